#pragma once

// Internal: threads of the executors' own.

#include <green/executor/executor_error.hpp>

#include <csignal>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace green::detail {

/// No signal for the calling thread, nor for those that it starts, for as long as this lives.
class signals_blocked {
public:
    signals_blocked() noexcept {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    signals_blocked(const signals_blocked&) = delete;
    signals_blocked& operator=(const signals_blocked&) = delete;

private:
    sigset_t before_;
};

/// A thread that runs `f`; the program's signals are for its own threads. executor_error, which names
/// `owner`, if it cannot be started.
template <class F>
std::thread start_helper_thread(const char* owner, F f) {
    signals_blocked const blocked;
    try {
        return std::thread(std::move(f));
    } catch (const std::system_error& e) {
        throw executor_error(std::string(owner) + ": cannot start its thread: " + e.what());
    }
}

}  // namespace green::detail
