#pragma once

#include <green/core/config.hpp>

#include <stdexcept>

namespace green {

/// An executor could not do what it was asked: it was shut down, or a thread could not be started.
class executor_error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

}  // namespace green
