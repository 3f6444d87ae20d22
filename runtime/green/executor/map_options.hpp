#pragma once

#include <green/core/time.hpp>

#include <chrono>
#include <cstddef>

namespace green {

/// How the items of a `map` are handed to the workers.
struct map_options {
    static constexpr std::size_t automatic = static_cast<std::size_t>(-1);

    /// Counted from the call of `map`. When it is over, the `next()` whose item is not there throws
    /// timeout_error, and the stream is at its end.
    std::chrono::nanoseconds timeout = forever;
    /// Items that go to a worker as one job, at least 1. `automatic`: one to begin with, and more as
    /// long as a job takes less than half a millisecond.
    std::size_t chunksize = automatic;
    /// Items that have been submitted and were not handed out, at most; at least 1. `automatic`: so many
    /// that each worker has a job to go on with.
    std::size_t window = automatic;
};

}  // namespace green
