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

    /// A resume that takes longer than this is a stall: for the stall watchdog, which is not a part
    /// of this version yet; has no effect.
    std::chrono::nanoseconds stall_threshold = std::chrono::milliseconds(100);

    /// Seed of what the loop draws at random, such as the case that `select` takes when several are
    /// ready: the same seed gives the same choices.
    std::uint64_t seed = 0;
};

}  // namespace green
