#include <green/loop/loop_core.hpp>
#include <green/loop/stall_monitor.hpp>
#include <green/loop/tracer.hpp>

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <source_location>
#include <utility>
#include <vector>

#include <pthread.h>
#include <unistd.h>

// The cores of this process: one per thread, and what a fork makes of them.

namespace green::detail {

// --- one core per thread, never freed

loop_core* loop_core::registry = nullptr;

struct loop_core::thread_slot {
    static std::mutex& mutex() {
        static constinit std::mutex m;  // without a guard, which a fork could leave half open
        return m;
    }
    static std::vector<loop_core*>& spare() {
        static auto& cores = *new std::vector<loop_core*>;
        return cores;
    }

    thread_slot() {
        std::lock_guard const lock(mutex());
        if (spare().empty()) {
            core = new loop_core;
            core->next_core_ = std::exchange(registry, core);
        } else {
            core = spare().back();
            spare().pop_back();
        }
    }
    ~thread_slot() {
        std::lock_guard const lock(mutex());
        spare().push_back(core);
    }
    loop_core* core;
};

loop_core& loop_core::of_this_thread() {
    thread_local thread_slot slot;
    if (slot.core->forked()) slot.core = new loop_core;
    return *slot.core;
}

// --- the child of a fork in a task
//
// It has a copy of the loop, but epoll's registrations and every descriptor are one with the parent's:
// nothing may go on here. The child can end itself (_exit, exec), or run a loop of its own; if it comes
// back to this one, it is told and ended.

struct loop_core::end_of_queue final : green_task {
    using green_task::green_task;
    std::exception_ptr error() const noexcept override { return nullptr; }
    promise_base& make_root() override { std::abort(); }
    void drop_callable() noexcept override {}
    void set_error(std::exception_ptr) noexcept override {}
};

void loop_core::handle_forks() {
    // Locked over the fork, so that the child finds them free.
    static constexpr auto before = [] {
        thread_slot::mutex().lock();
        stall_monitor::instance().before_fork();
        tracer::instance().before_fork();
    };
    static constexpr auto in_parent = [] {
        tracer::instance().after_fork_in_parent();
        stall_monitor::instance().after_fork_in_parent();
        thread_slot::mutex().unlock();
    };
    static constexpr auto in_child = [] {
        tracer::instance().after_fork_in_child();
        stall_monitor::instance().after_fork_in_child();
        thread_slot::mutex().unlock();
        loop_core* const core = current();
        if (!core || core->forked_) return;
        core->forked_ = true;
        core->swallow_ready(*new end_of_queue(*core, std::source_location{}));
    };
    stall_monitor::instance();  // made by now
    tracer::instance();
    pthread_atfork(before, in_parent, in_child);
}

/// Before there are threads: a fork amid the first run of one of them would find things half made.
[[maybe_unused]] static bool const forks_are_handled = (loop_core::handle_forks(), true);

void loop_core::end_fork_child() noexcept {
    std::fputs(
        "green: the child of a fork came back to the event loop of its parent. "
        "End it with _exit or exec, or call run() in it for a loop of its own.\n",
        stderr
    );
    ::_exit(1);
}

}  // namespace green::detail
