#pragma once

#include <green/dns/detail/local_names.hpp>
#include <green/dns/detail/lookup_cache.hpp>
#include <green/dns/detail/open_resolvers.hpp>
#include <green/dns/detail/question_table.hpp>
#include <green/dns/resolver_config.hpp>
#include <green/dns/resolver_stats.hpp>

namespace green::detail {

//  resolver ──shared──► resolver_core ◄──shared── every lookup (lookup.hpp)
//                        ├─ configuration, counters, the loop it belongs to
//                        ├─ local_names: literals, localhost, the hosts file
//                        ├─ lookup_cache: the answers that still hold
//                        └─ question_table: the questions in flight, the wire engine

/// What the lookups of one resolver share. Outlives the resolver while a lookup still runs.
class resolver_core final : private open_resolvers::member, private answer_listener {
public:
    explicit resolver_core(resolver_config config);
    ~resolver_core() { close(); }
    resolver_core(const resolver_core&) = delete;
    resolver_core& operator=(const resolver_core&) = delete;

    const resolver_config& config() const noexcept { return config_; }
    resolver_stats stats() const;

    /// Belongs to this loop from the first time on; its time. Throws when it belongs to another, or
    /// is closed.
    clock::time_point enter();
    void count_lookup() noexcept { ++stats_.lookups; }
    void count_local() noexcept { ++stats_.from_hosts; }

    /// The hosts file; null when none is to be read.
    const hosts_file* hosts(clock::time_point now) { return local_.hosts(now); }
    lookup_cache& cache() noexcept { return cache_; }
    question_table& questions() noexcept { return questions_; }

    /// Ends all lookups with closed_error; none can begin any more.
    void close() noexcept;

private:
    void loop_closes() noexcept override { close(); }
    void answered(const question& q) noexcept override;

    resolver_config config_;
    loop_core* loop_ = nullptr;
    bool closed_ = false;
    resolver_stats stats_;
    local_names local_;
    lookup_cache cache_;
    question_table questions_;
};

}  // namespace green::detail
