#pragma once

// Internal: points in real time, which the executors' own threads wait for.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace green::detail {

using steady = std::chrono::steady_clock;

/// So long from now, or never.
inline steady::time_point time_after(std::chrono::nanoseconds d) noexcept {
    auto const now = steady::now();
    return d < steady::time_point::max() - now ? now + d : steady::time_point::max();
}

/// For poll and epoll_wait: milliseconds until then, rounded up; -1: never.
inline int poll_timeout(steady::time_point until, steady::time_point now) noexcept {
    if (until == steady::time_point::max()) return -1;
    auto const wait = std::chrono::ceil<std::chrono::milliseconds>(std::max(until, now) - now);
    return static_cast<int>(std::min<std::int64_t>(wait.count(), std::numeric_limits<int>::max()));
}

}  // namespace green::detail
