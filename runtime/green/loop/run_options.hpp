#pragma once

#include <green/core/time.hpp>

#include <chrono>
#include <cstdint>

namespace green {

/// How `run` runs.
struct run_options {
    /// The loop's clock starts at zero and jumps to the next deadline when nothing is ready and no task
    /// waits for a job of an executor. Sleeps cost no time and end at exact times: for tests and simulations.
    /// While I/O is open the loop looks for it for some 3 ms of real time before each jump.
    bool virtual_time = false;

    /// How long, after main has ended, cancelled tasks may take to end. Then they are reported and
    /// their shields no longer hold.
    std::chrono::nanoseconds shutdown_grace = std::chrono::seconds(5);

    /// A step of a task that keeps the loop for longer than this is reported while it lasts, with the
    /// place of the task and the stack of the thread, and again when it is over: by the stall watchdog,
    /// a thread of the process that looks a few times per threshold. See `loop::on_stall`. 0 is off, and
    /// so is virtual time, where a long computation is no delay.
    std::chrono::nanoseconds stall_threshold = std::chrono::milliseconds(100);

    /// Seed of what the loop draws at random, such as the case that `select` takes when several are
    /// ready: the same seed gives the same choices.
    std::uint64_t seed = 0;

    /// SIGUSR1 prints the tree of the loop's tasks to stderr, at the loop's next turn. The signal's
    /// handler is libuv's for the length of the run; afterwards its default action is back.
    bool dump_on_sigusr1 = false;
};

}  // namespace green
