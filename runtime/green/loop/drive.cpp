#include <green/core/errors.hpp>
#include <green/loop/loop_core.hpp>
#include <green/loop/task_dump.hpp>

#include <cstdio>
#include <source_location>
#include <string>
#include <utility>

// A run, from its first turn to the end of its last task.

namespace green::detail {

struct loop_core::grace_timer final : timer {
    void expired() noexcept override { over = true; }
    bool over = false;
};

void loop_core::drive(green_task& main) {
    std::string deadlock;
    set_main(main);
    for (;;) {
        work();
        // Before the wait: what main leaves behind is cancelled, not waited for.
        if (main.ended() || main_waits()) break;
        if (has_ready() || wait()) continue;
        try {
            deadlock = "green::run: deadlock: nothing can wake main any more. Blocked tasks:\n" +
                dump_tasks(root());
        } catch (...) {
            deadlock = "green::run: deadlock";
        }
        break;
    }
    shut_down();
    close();
    std::exception_ptr const failure = std::exchange(first_unhandled_, nullptr);
    if (!deadlock.empty()) throw deadlock_error(deadlock);
    if (failure && main.ended() && !main.was_cancelled() && !main.failed()) {
        std::rethrow_exception(failure);
    }
}

/// Ends every task that is left.
void loop_core::shut_down() {
    stop_starting();
    grace_timer grace;
    timers_.arm(grace, saturating_add(now(), options_.shutdown_grace));
    drain(grace);
    timers_.disarm(grace);
    if (root().size() == 0) return;
    std::fputs("green::run: some tasks do not end although they are cancelled:\n", stderr);
    std::fputs(dump_tasks(root()).c_str(), stderr);
    force_cancel_all();
    // What still has not ended waits for an operation that cannot be cancelled and has not
    // completed: its frames may be in use, so they are abandoned, not destroyed.
    while (has_ready()) run_ready(static_cast<std::size_t>(-1));
    if (main_waits()) unwind_main();
    while (has_ready()) run_ready(static_cast<std::size_t>(-1));
    abandon_all();
    // The limits of abandoned scopes are still armed; no later run is to wait for them.
    while (!timers_.empty()) timers_.fire(clock::time_point::max() - clock::duration(1));
}

void loop_core::drain(grace_timer& grace) {
    cancel_children({"the run is ending", std::source_location::current()});
    for (;;) {
        work();
        if (main_waits() && root().size() == 1) unwind_main();
        if (grace.over || root().size() == 0) break;
        if (!has_ready() && !wait()) break;
    }
}

}  // namespace green::detail
