#include <green/dns/detail/resolver_core.hpp>

#include <green/core/errors.hpp>
#include <green/dns/detail/config_files.hpp>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

namespace green::detail {
namespace {

/// Within its limits.
resolver_config settled(resolver_config config) {
    config.tries = std::max(config.tries, 1);
    config.max_in_flight = std::clamp<std::size_t>(config.max_in_flight, 1, 1000);
    for (address& server : config.servers) {
        if (server.port() == 0) server = server.with_port(53);
    }
    return config;
}

cache_limits limits_of(const resolver_config& config) {
    return {
        .entries = config.cache_entries,
        .min_ttl = config.cache_min_ttl,
        .max_ttl = config.cache_max_ttl,
        .failure_ttl = config.cache_failure_ttl,
        .stale = config.cache_stale,
    };
}

std::optional<system_config> files_of(const resolver_config& config) {
    system_paths paths{config.resolv_conf_path, config.hosts_path, config.nsswitch_path};
    bool const none = paths.resolv_conf.empty() && paths.hosts.empty() && paths.nsswitch.empty();
    if (none) return std::nullopt;
    return system_config(std::move(paths));
}

void add(resolver_stats& s, const table_counts& counts) noexcept {
    s.shared += counts.shared;
    s.sent += counts.wire.sent;
    s.timed_out += counts.wire.timed_out;
    s.dropped += counts.wire.dropped;
}

}  // namespace

resolver_core::resolver_core(resolver_config config)
    : files_(files_of(config)),
      cache_(limits_of(config)),
      questions_(std::make_shared<question_table>(settled(std::move(config)), *this)) {
    resolver_config const& now = questions_->config();
    if (!now.resolv_conf_path.empty()) from_files_ = read_resolv_conf(now.resolv_conf_path);
}

resolver_stats resolver_core::stats() const {
    resolver_stats s = stats_;
    auto const add_open = [&s](const question_table& table) {
        table_counts const counts = table.counts();
        add(s, counts);
        s.queued += counts.wire.queued;
        s.in_flight += counts.wire.in_flight;
    };
    if (!closed_) add_open(*questions_);
    for (auto const& weak : old_) {
        if (auto const table = weak.lock()) add_open(*table);
    }
    cache_counts const& cached = cache_.counts();
    s.cache_hits = cached.hits;
    s.cache_negative_hits = cached.negative_hits;
    s.cache_stale_hits = cached.stale_hits;
    s.cache_misses = cached.misses;
    s.cache_evictions = cached.evictions;
    s.cache_entries = cache_.size();
    return s;
}

void resolver_core::enter() {
    if (closed_) throw closed_error("resolve: the resolver is closed");
    loop_core& core = loop_core::require("resolver");
    if (!loop_) {
        loop_ = &core;
        core.service<loop_members>().add(*this);
    } else if (loop_ != &core) {
        throw std::logic_error("green: a resolver is used on another loop than its first lookup's");
    }
}

task<> resolver_core::look() {
    enter();
    co_await files_->refresh();
    enter();
    order_ = files_->order();
    if (std::exchange(files_version_, files_->version()) != files_->version()) adopt_files();
}

/// resolv.conf says something else, or is looked at for the first time.
void resolver_core::adopt_files() {
    if (config().resolv_conf_path.empty()) return;
    resolver_config said = config_from(files_->resolv());
    resolver_config changed = config();
    if (!adopt_changes(changed, from_files_, said)) return;
    from_files_ = std::move(said);
    if (changed.servers != config().servers) {
        cache_.clear();
        questions_->disown();
    }
    std::erase_if(old_, [](auto const& table) { return table.expired(); });
    old_.push_back(questions_);
    questions_ = std::make_shared<question_table>(settled(std::move(changed)), *this);
}

std::shared_ptr<const hosts_file> resolver_core::hosts() const {
    return files_ && !config().hosts_path.empty() ? files_->hosts() : nullptr;
}

families resolver_core::local(clock::time_point now) {
    return config().local_families_only ? families_.now(now) : families{};
}

void resolver_core::order(std::vector<address>& addresses) {
    if (addresses.size() > 1 && config().sort_addresses) sources_.order(addresses, clock::now());
}

void resolver_core::answered(const question& q) noexcept {
    // One try is too few to say that the servers fail.
    if (q.given_up()) return;
    try {
        cache_.store(q.key(), q.result(), q.ended_at());
    } catch (const std::bad_alloc&) {  // then it is not kept
    }
}

void resolver_core::closed(const table_counts& counts) noexcept { add(stats_, counts); }

void resolver_core::close() noexcept {
    if (std::exchange(closed_, true)) return;
    questions_->close();
    for (auto const& weak : old_) {
        if (auto const table = weak.lock()) table->close();
    }
    if (loop_ && linked()) loop_->service<loop_members>().remove(*this);
}

}  // namespace green::detail
