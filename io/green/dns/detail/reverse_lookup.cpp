#include <green/dns/detail/reverse_lookup.hpp>

#include <green/dns/detail/lookup.hpp>
#include <green/dns/detail/record_parser.hpp>
#include <green/dns/dns_error.hpp>

#include <stdexcept>
#include <string_view>

namespace green::detail {
namespace {

/// Names that this machine knows for an address; empty: ask the servers.
std::string local_name(resolver_core& core, const address& ip) {
    if (auto const hosts = core.hosts()) {
        if (auto const name = hosts->reverse(ip)) return std::string(*name);
    }
    return ip.is_loopback() ? "localhost" : "";
}

}  // namespace

std::string reverse_name(const address& ip) {
    constexpr std::string_view hex = "0123456789abcdef";
    std::string name;
    auto const bytes = ip.bytes();
    for (auto b = bytes.rbegin(); b != bytes.rend(); ++b) {
        auto const value = std::to_integer<unsigned>(*b);
        if (bytes.size() == 4) {
            name += std::to_string(value);
            name += '.';
        } else {
            name += {hex[value & 15], '.', hex[value >> 4], '.'};
        }
    }
    return name + (bytes.size() == 4 ? "in-addr.arpa" : "ip6.arpa");
}

task<std::string> look_up_name(
    std::shared_ptr<resolver_core> core, address ip, lookup_options options
) {
    if (ip.family() == address_family::unix_path)
        throw std::invalid_argument("resolver::reverse: " + ip.to_string() + " is a path");
    if (core->look_due()) co_await core->look();
    std::string known = local_name(*core, ip);
    if (!known.empty()) co_return known;
    std::string const name = reverse_name(ip);
    lookup l(*core, name, record_type::ptr, options);
    while (!l.advance()) co_await l.wait();
    auto const records = parse_records<ptr>(l.packet(), l.age());
    if (!records) l.fail_unreadable();
    co_return records->front().ptrdname;
}

}  // namespace green::detail
