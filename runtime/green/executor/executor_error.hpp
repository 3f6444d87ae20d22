#pragma once

#include <green/core/config.hpp>

#include <stdexcept>

namespace green {

/// An executor could not do what it was asked: it was shut down, its queue is full, or a thread could
/// not be started.
class executor_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The executor is of no use any more: the initializer of its workers failed, or they cannot be
/// started. What was queued fails with it, and so does every later submit.
/// Model: concurrent.futures.BrokenExecutor.
class broken_executor : public executor_error {
public:
    using executor_error::executor_error;
};

}  // namespace green
