#include <green/dns/default_resolver.hpp>

#include <green/loop/loop_core.hpp>

#include <utility>

namespace green {
namespace {

class default_resolver_service final : public detail::loop_service {
public:
    resolver object{resolver_config::system()};
};

}  // namespace

resolver& default_resolver() {
    return detail::loop_core::require("default_resolver")
        .service<default_resolver_service>()
        .object;
}

void set_default_resolver(resolver r) { default_resolver() = std::move(r); }

task<std::vector<address>> getaddrinfo(
    std::string host, std::uint16_t port, lookup_options options
) {
    co_return co_await default_resolver().resolve(std::move(host), port, options);
}

task<std::string> getnameinfo(address ip) {
    try {
        co_return co_await default_resolver().reverse(ip);
    } catch (const dns_error& e) {
        if (e.code() != dns_errc::not_found && e.code() != dns_errc::no_data) throw;
    }
    co_return ip.ip();
}

task<std::string> gethostbyname(std::string host) {
    lookup_options options;
    options.family = 4;
    std::vector<address> const found = co_await getaddrinfo(std::move(host), 0, options);
    co_return found.front().ip();
}

}  // namespace green
