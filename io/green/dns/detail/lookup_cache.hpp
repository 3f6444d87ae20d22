#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/core/time.hpp>
#include <green/dns/detail/dns_answer.hpp>
#include <green/dns/detail/named_block.hpp>
#include <green/dns/detail/question_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace green::detail {

struct cache_limits {
    std::size_t entries = 10'000;  // 0: no cache
    std::chrono::nanoseconds min_ttl{0};
    std::chrono::nanoseconds max_ttl = std::chrono::hours(24);
    std::chrono::nanoseconds failure_ttl = std::chrono::seconds(1);
    std::chrono::nanoseconds stale{0
    };  // for so long after its end a positive answer is still given
};

struct cache_counts {
    std::uint64_t hits = 0;  // with the next two
    std::uint64_t negative_hits = 0;
    std::uint64_t stale_hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t evictions = 0;
};

/// The answers that still hold, those least lately used going first when there are too many.
///
///     positive   the least TTL of its records and CNAME chain, within [min_ttl, max_ttl]
///     negative   the SOA's, likewise and three hours at most; without a SOA not at all (RFC 2308, 5)
///     failure    failure_ttl: so that those who hurry do not all ask a server that is down
///
/// An answer that has run out is kept for `stale` more and given out while a new one is asked for
/// (RFC 8767); a failure does not replace it.
class lookup_cache {
public:
    struct found {
        const dns_answer* answer = nullptr;  // until the cache changes; null: not known
        std::chrono::seconds age{0};
        std::chrono::nanoseconds left{0};  // 0: stale
        bool refresh = false;  // the caller is to ask anew
    };

    explicit lookup_cache(const cache_limits& limits) : limits_(limits) {}
    ~lookup_cache() { clear(); }
    lookup_cache(const lookup_cache&) = delete;
    lookup_cache& operator=(const lookup_cache&) = delete;

    found find(const question_key& what, clock::time_point now);
    void store(const question_key& what, dns_answer answer, clock::time_point now);
    void clear() noexcept;

    std::size_t size() const noexcept { return entries_.size(); }
    const cache_counts& counts() const noexcept { return counts_; }

private:
    struct entry final : list_node<entry>, named_block<entry> {
        explicit entry(const question_key& what) noexcept
            : where(copy_of(what.name()), what.type(), what.hash()) {}
        const question_key& key() const noexcept { return where; }
        std::size_t block_size() const noexcept { return size_with(where.name()); }

        const question_key where;
        dns_answer answer;
        clock::time_point stored;
        clock::time_point expires;
        clock::time_point refresh_at;  // of a stale one
    };

    std::optional<std::chrono::nanoseconds> lifetime(const dns_answer& answer) const noexcept;
    bool is_gone(const entry& e, clock::time_point now) const noexcept;
    void remove(entry& e) noexcept;

    const cache_limits limits_;
    question_map<entry> entries_;
    intrusive_list<entry> by_use_;  // owns them; the one to go next first
    cache_counts counts_;
};

}  // namespace green::detail
