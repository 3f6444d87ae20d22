#include <green/dns/resolver.hpp>

#include <green/core/time.hpp>
#include <green/dns/detail/address_lookup.hpp>
#include <green/dns/detail/resolver_core.hpp>
#include <green/tasks/timeout.hpp>

#include <optional>
#include <utility>

namespace green {

resolver::resolver(resolver_config config)
    : core_(std::make_shared<detail::resolver_core>(std::move(config))) {}
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
const resolver_config& resolver::config() const noexcept { return core_->config(); }

namespace {

task<std::vector<address>> within(
    task<std::vector<address>> lookup, std::string host, std::chrono::nanoseconds limit
) {
    std::optional<std::vector<address>> found = co_await move_on_after(limit, std::move(lookup));
    if (!found) throw dns_error(dns_errc::timeout, host, {}, "the lookup's own limit");
    co_return std::move(*found);
}

}  // namespace

task<std::vector<address>> resolver::resolve(
    std::string host, std::uint16_t port, lookup_options options
) {
    if (options.timeout == forever) {
        return detail::look_up_addresses(core_, std::move(host), port, options);
    }
    auto lookup = detail::look_up_addresses(core_, host, port, options);
    return within(std::move(lookup), std::move(host), options.timeout);
}

}  // namespace green
