#include <green/dns/resolver.hpp>

#include <green/dns/detail/lookup.hpp>
#include <green/dns/detail/resolver_core.hpp>
#include <green/dns/detail/reverse_lookup.hpp>
#include <green/dns/detail/trace_writer.hpp>

#include <utility>

namespace green {
namespace {

using detail::lookup;
using detail::resolver_core;

task<std::vector<address>> look_up_addresses(
    std::shared_ptr<resolver_core> core,
    std::string host,
    std::uint16_t port,
    lookup_options options
) {
    if (core->look_due()) co_await core->look();
    lookup l(*core, host, options);
    while (!l.advance()) co_await l.wait();
    if (port != 0) {
        for (address& a : l.addresses()) a = a.with_port(port);
    }
    co_return std::move(l.addresses());
}

task<lookup_trace> explain_lookup(
    std::shared_ptr<resolver_core> core, std::string host, lookup_options options
) {
    lookup_trace trace;
    trace.host = host;
    core->enter();
    detail::trace_writer writer(trace, now());
    if (core->look_due()) co_await core->look();
    lookup l(*core, host, options);
    l.trace_into(writer);
    try {
        while (!l.advance()) co_await l.wait();
        writer.found(l.addresses());
    } catch (const dns_error& e) {
        writer.failed(e.what());
    }
    co_return trace;
}

}  // namespace

resolver::resolver(resolver_config config)
    : core_(std::make_shared<resolver_core>(std::move(config))) {}
resolver::~resolver() {
    if (core_) core_->close();
}
resolver::resolver(resolver&&) noexcept = default;
resolver& resolver::operator=(resolver&& other) noexcept {
    if (core_ && core_ != other.core_) core_->close();
    core_ = std::move(other.core_);
    return *this;
}

resolver_stats resolver::stats() const { return core_->stats(); }
void resolver::clear_cache() { core_->cache().clear(); }
const resolver_config& resolver::config() const noexcept { return core_->config(); }

task<lookup_trace> resolver::explain(std::string host, lookup_options options) {
    return explain_lookup(core_, std::move(host), options);
}

task<std::vector<raw_record>> resolver::query(
    std::string name, std::uint16_t type, lookup_options options
) {
    return detail::query_raw_records(core_, std::move(name), type, options);
}

task<std::string> resolver::reverse(address ip, lookup_options options) {
    return detail::look_up_name(core_, std::move(ip), options);
}

task<std::vector<address>> resolver::resolve(
    std::string host, std::uint16_t port, lookup_options options
) {
    return look_up_addresses(core_, std::move(host), port, options);
}

}  // namespace green
