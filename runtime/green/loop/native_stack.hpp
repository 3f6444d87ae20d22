#pragma once

// Internal: what a thread is doing, seen from another thread.

#include <green/core/green_task.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <string_view>

#include <pthread.h>

namespace green::detail {

/// What a signal handler has copied on the thread of a loop: the task that runs there, where it is, and
/// the return addresses of the thread's stack.
struct thread_picture {
    bool in_loop = false;
    std::uint64_t resumes = 0;  // of the loop, at that moment
    task_id task = task_id::none;
    std::source_location spawned_at;
    std::array<char, 64> name{};
    std::size_t name_size = 0;
    std::array<std::source_location, 64> chain{};  // of coroutines, innermost first
    std::size_t chain_size = 0;
    bool chain_is_longer = false;
    std::array<void*, 128> addresses{};
    std::size_t addresses_size = 0;

    std::string_view task_name() const noexcept { return {name.data(), name_size}; }
};

/// Takes the picture of a thread, by SIGURG: that signal is ignored by default and by debuggers, so
/// that one too many does no harm; Go uses it for the same reason. The handler is there for the moment
/// of the picture only, and not at all if the program has one of its own. System calls that do not
/// restart (poll, nanosleep) end with EINTR.
///
/// Null if the thread does not answer in time. One caller at a time; valid until the next call. The
/// thread must not end meanwhile.
const thread_picture* take_picture(pthread_t thread, std::chrono::milliseconds patience) noexcept;

/// A line for each address, `    #0 f() at main.cpp:12`; as much of it as this build can find out.
std::string describe_stack(const thread_picture& picture);

}  // namespace green::detail
