#include <green/dns/detail/resolver_core.hpp>

#include <green/core/errors.hpp>

#include <algorithm>
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

}  // namespace

resolver_core::resolver_core(resolver_config config)
    : config_(settled(std::move(config))),
      local_(config_.hosts_path),
      cache_(limits_of(config_)),
      questions_(config_, *this) {}

resolver_stats resolver_core::stats() const {
    resolver_stats s = stats_;
    wire_stats const wire = questions_.stats();
    s.shared = questions_.shared();
    s.sent = wire.sent;
    s.timed_out = wire.timed_out;
    s.queued = wire.queued;
    s.in_flight = wire.in_flight;
    cache_counts const& cached = cache_.counts();
    s.cache_hits = cached.hits;
    s.cache_negative_hits = cached.negative_hits;
    s.cache_stale_hits = cached.stale_hits;
    s.cache_misses = cached.misses;
    s.cache_evictions = cached.evictions;
    s.cache_entries = cache_.size();
    return s;
}

clock::time_point resolver_core::enter() {
    if (closed_) throw closed_error("resolve: the resolver is closed");
    loop_core& core = loop_core::require("resolver");
    if (!loop_) {
        loop_ = &core;
        core.service<open_resolvers>().add(*this);
    } else if (loop_ != &core) {
        throw std::logic_error("green: a resolver is used on another loop than its first lookup's");
    }
    return core.now();
}

void resolver_core::answered(const question& q) noexcept {
    // One try is too few to say that the servers fail.
    if (q.given_up() && !q.result().negative()) return;
    cache_.store(q.key(), q.result(), loop_->now());
}

void resolver_core::close() noexcept {
    if (std::exchange(closed_, true)) return;
    questions_.close();
    if (loop_ && linked()) loop_->service<open_resolvers>().remove(*this);
}

}  // namespace green::detail
