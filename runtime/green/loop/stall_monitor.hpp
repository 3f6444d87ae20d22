#pragma once

#include <green/loop/loop.hpp>
#include <green/loop/native_stack.hpp>

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <pthread.h>

namespace green::detail {

class loop_core;

/// The stall watchdog of the process: one thread that looks at all running loops a few times per
/// threshold. A loop has nothing to do for it but to count its steps, which it does anyway; and when a
/// chunk of steps took very long, to say so.
///
///     samples of a loop    step 7   idle   step 9   step 9   step 9   step 9   step 12
///                                            └──── the threshold ────┘ stuck   went on
///
/// Time is counted in samples, each at most twice the time between two: a process that was stopped, in
/// a debugger or by SIGSTOP, has not been stuck.
class stall_monitor {
public:
    /// Never destroyed: its thread has no end.
    static stall_monitor& instance();

    /// A run begins on this thread, ends. After `unwatch` no handler of that run is called.
    void watch(loop_core& core, std::chrono::nanoseconds threshold);
    void unwatch(loop_core& core) noexcept;
    void set_handler(loop_core& core, std::shared_ptr<loop::stall_handler> handler) noexcept;
    /// The loop's thread has spent `took` in one chunk of steps.
    void went_on(loop_core& core, std::chrono::nanoseconds took) noexcept;

    // Around a fork; in the child there is no thread and nothing is watched.
    void before_fork() noexcept { mutex_.lock(); }
    void after_fork_in_parent() noexcept { mutex_.unlock(); }
    void after_fork_in_child() noexcept;

private:
    using time_point = std::chrono::steady_clock::time_point;

    /// What a sample sees; a loop that makes progress never shows the same twice.
    struct progress {
        std::uint64_t resumes = 0;
        std::uint64_t calls = 0;
        const char* activity = nullptr;  // null: idle
        bool operator==(const progress&) const = default;
    };
    struct entry {
        loop_core* core;
        std::chrono::nanoseconds threshold;
        std::shared_ptr<loop::stall_handler> handler;
        pthread_t thread;
        clockid_t cpu_clock;
        bool has_cpu_clock;
        progress seen{};
        std::chrono::steady_clock::time_point seen_at{};
        std::chrono::nanoseconds stuck_for{0};  // without the time in which we did not look
        std::chrono::nanoseconds cpu_before{0};
        // An incident: from the moment it is caught to that when its end has been told.
        bool reported = false;
        bool to_tell = false;
        std::string subject;  // `task #3 'worker'`
        task_id task = task_id::none;
        std::chrono::nanoseconds caught_after{0};
        std::chrono::nanoseconds busy_for{0};
        std::unique_ptr<thread_picture> picture;
        std::chrono::nanoseconds ended_after{-1};  // went on; to be told
        bool calling = false;  // its handler
    };

    stall_monitor() = default;

    static progress look_at(const loop_core& core) noexcept;
    static std::chrono::nanoseconds cpu_time(const entry& e) noexcept;
    void run();
    static void sample(
        entry& e, std::chrono::steady_clock::time_point now, std::chrono::nanoseconds elapsed
    );
    static void catch_in_the_act(entry& e);
    static std::string describe_stuck(const entry& e);
    void tell(std::unique_lock<std::mutex>& lock, entry& e);
    void deliver(std::unique_lock<std::mutex>& lock, entry& e, const stall_report& r);
    entry* find(const loop_core& core) noexcept;
    std::chrono::nanoseconds period() const noexcept;

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::unique_ptr<entry>> entries_;
    bool thread_runs_ = false;
};

}  // namespace green::detail
