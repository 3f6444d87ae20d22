#pragma once

#include <green/core/time.hpp>

#include <chrono>

namespace green {

/// How an executor ends.
struct shutdown_options {
    /// Wait until all jobs have ended and all workers are gone.
    bool wait = true;
    /// Cancel the jobs that have not begun. Running ones are not cut off.
    bool cancel_pending = false;
    /// With `wait`: wait so long at most. Then what has not begun is cancelled, what runs is asked to
    /// stop and, if it does not at once, named on stderr and left behind. 0 is not to wait for jobs at
    /// all.
    std::chrono::nanoseconds grace = forever;
};

}  // namespace green
