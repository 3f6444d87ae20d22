#include <green/dns/detail/local_names.hpp>

#include <green/dns/dns_error.hpp>

namespace green::detail {
namespace {

bool is_wanted(const address& a, int family) noexcept {
    return family == 0 || (a.family() == address_family::ipv4) == (family == 4);
}

}  // namespace

std::vector<address> special_addresses(
    const checked_name& name, const std::string& host, int family
) {
    std::vector<address> found;
    switch (name.kind) {
    case name_kind::bad: throw dns_error(dns_errc::bad_name, host, {.reason = name.problem});
    case name_kind::never:
        throw dns_error(dns_errc::not_found, host, {.reason = "never asked for in the network"});
    case name_kind::literal: found.push_back(*name.literal); break;
    case name_kind::localhost:
        for (const char* ip : {"127.0.0.1", "::1"}) found.push_back(address::parse(ip));
        break;
    case name_kind::host: break;
    }
    std::erase_if(found, [family](const address& a) { return !is_wanted(a, family); });
    return found;
}

}  // namespace green::detail
