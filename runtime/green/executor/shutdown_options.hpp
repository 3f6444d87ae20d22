#pragma once

#include <green/core/time.hpp>

#include <chrono>

namespace green {

/// How an executor ends: all jobs run to their end (`{}`), those that have begun do
/// (`{.cancel_pending = true}`), or none does that can be stopped
/// (`{.grace = 5s, .stop_running = true}`).
struct shutdown_options {
    /// Wait until all jobs have ended and all workers are gone.
    bool wait = true;
    /// Cancel the jobs that have not begun. Running ones are not cut off.
    bool cancel_pending = false;
    /// With `wait`: wait so long at most. Then what has not begun is cancelled, and what runs is ended as
    /// far as it can be. Worker processes are killed: their jobs fail with worker_died. Jobs in threads
    /// are asked to stop and, if they do not at once, named on stderr and left behind. 0 is not to wait
    /// for jobs at all.
    std::chrono::nanoseconds grace = forever;
    /// Cancel the jobs that have not begun, and ask those that run to stop, at once and as
    /// future::cancel does: through their std::stop_token, and a job of a process with
    /// cancel_policy::kill by its end. Those that do not listen have `grace`.
    bool stop_running = false;
};

}  // namespace green
