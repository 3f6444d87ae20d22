#pragma once

#include <green/core/config.hpp>

#include <chrono>

namespace green {

/// What one lookup wants.
struct lookup_options {
    /// 4: IPv4 only, 6: IPv6 only, 0: both. Another number is a std::invalid_argument.
    int family = 0;
    /// For the whole lookup, counted from the co_await; over: dns_error with dns_errc::timeout.
    std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
    /// May be answered from the cache. Without, the servers are asked anew, also when they failed a
    /// moment ago, and what they say is kept for others.
    bool use_cache = true;
};

namespace detail {
void check(const lookup_options& options);
}  // namespace detail

}  // namespace green
