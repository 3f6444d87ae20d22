#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstdint>

namespace green {

/// Counts since the resolver was made.
struct resolver_stats {
    std::uint64_t lookups = 0;
    std::uint64_t from_hosts = 0;  // hosts file, literals, localhost
    std::uint64_t shared = 0;  // questions that another lookup had already asked
    // Per question: a lookup of both families asks two.
    std::uint64_t cache_hits = 0;  // with the next two
    std::uint64_t cache_negative_hits = 0;  // "does not exist", "has no such record", failures
    std::uint64_t cache_stale_hits = 0;
    std::uint64_t cache_misses = 0;
    std::uint64_t cache_evictions = 0;
    std::size_t cache_entries = 0;  // now

    std::uint64_t sent = 0;  // queries to servers, with retries
    std::uint64_t timed_out = 0;
    std::uint64_t dropped = 0;  // datagrams with the id or question of no query: late, or forged
    std::size_t queued = 0;  // now waiting for the window
    std::size_t in_flight = 0;  // now at a server
};

}  // namespace green
