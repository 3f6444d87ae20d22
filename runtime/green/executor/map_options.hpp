#pragma once

#include <green/core/time.hpp>

#include <chrono>
#include <cstddef>

namespace green {

struct map_options {
    /// Counted from the call of `map`. When it is over, the `next()` whose item is not there throws
    /// timeout_error, and the stream is at its end.
    std::chrono::nanoseconds timeout = forever;
    /// Items that go to a worker as one job. At least 1.
    std::size_t chunksize = 1;
    /// Jobs that have been submitted and whose results have not been handed out yet, at most. At
    /// least 1. By default twice the executor's workers, and 16 more.
    std::size_t window = automatic;

    static constexpr std::size_t automatic = static_cast<std::size_t>(-1);
};

}  // namespace green
