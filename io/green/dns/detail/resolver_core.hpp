#pragma once

#include <green/core/task.hpp>
#include <green/dns/detail/local_families.hpp>
#include <green/dns/detail/lookup_cache.hpp>
#include <green/dns/detail/lookup_order.hpp>
#include <green/dns/detail/question_table.hpp>
#include <green/dns/detail/source_cache.hpp>
#include <green/dns/detail/system_config.hpp>
#include <green/dns/resolver_config.hpp>
#include <green/dns/resolver_stats.hpp>
#include <green/net/detail/loop_members.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace green::detail {

//  resolver ──shared──► resolver_core ◄──shared── every lookup (lookup.hpp)
//                        ├─ counters, the loop it belongs to
//                        ├─ system_config: resolv.conf, the hosts file, nsswitch.conf
//                        ├─ lookup_cache: the answers that still hold
//                        ├─ source_cache, local_families: which addresses are of use here
//                        └─ question_table ◄──shared── every lookup that asks there
//                            configuration, questions in flight, wire engine: a new one when
//                            resolv.conf has changed

/// What the lookups of one resolver share. Outlives the resolver while a lookup still runs.
class resolver_core final : private loop_members::member, public answer_listener {
public:
    explicit resolver_core(resolver_config config);
    ~resolver_core() { close(); }
    resolver_core(const resolver_core&) = delete;
    resolver_core& operator=(const resolver_core&) = delete;

    const resolver_config& config() const noexcept { return questions_->config(); }
    resolver_stats stats() const;

    /// Belongs to this loop from the first time on. Throws when it belongs to another, or is closed.
    void enter();
    /// The files have to be looked at before a lookup.
    bool look_due() const { return files_ && files_->due(clock::now()); }
    /// Looks at them. Suspends only for the first reading of a big hosts file.
    task<> look();

    void count_lookup() noexcept { ++stats_.lookups; }
    void count_local() noexcept { ++stats_.from_hosts; }

    /// Null when none is read.
    std::shared_ptr<const hosts_file> hosts() const;
    /// Where names are looked up.
    const lookup_order& order() const noexcept { return order_; }
    /// The families worth asking for.
    families local(clock::time_point now);
    /// Puts addresses into the order in which they are to be tried.
    void order(std::vector<address>& addresses);

    lookup_cache& cache() noexcept { return cache_; }
    const std::shared_ptr<question_table>& questions() const noexcept { return questions_; }

    // answer_listener
    void answered(const question& q) noexcept override;
    void closed(const table_counts& counts) noexcept override;

    /// Ends all lookups with closed_error; none can begin any more.
    void close() noexcept;

private:
    void loop_closes() noexcept override { close(); }
    void adopt_files();

    loop_core* loop_ = nullptr;
    bool closed_ = false;
    resolver_stats stats_;
    std::optional<system_config> files_;
    std::uint64_t files_version_ = 0;
    resolver_config from_files_;  // what resolv.conf said last
    lookup_order order_ = parse_lookup_order({});
    lookup_cache cache_;
    source_cache sources_;
    local_families families_;
    std::shared_ptr<question_table> questions_;
    std::vector<std::weak_ptr<question_table>> old_;  // with lookups that still use them
};

}  // namespace green::detail
