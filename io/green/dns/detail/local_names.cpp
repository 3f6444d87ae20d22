#include <green/dns/detail/local_names.hpp>

#include <green/dns/dns_error.hpp>

#include <chrono>

namespace green::detail {
namespace {

/// How often a changed hosts file is looked for.
constexpr std::chrono::seconds hosts_interval{5};

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

const hosts_file* local_names::hosts(clock::time_point now) {
    if (hosts_path_.empty()) return nullptr;
    if (!hosts_loaded_ || now - hosts_checked_ >= hosts_interval) {
        hosts_checked_ = now;
        const char* const path = hosts_path_.c_str();
        if (!hosts_loaded_ || file_stamp::of(path) != hosts_.stamp())
            hosts_ = hosts_file::load(path);
        hosts_loaded_ = true;
    }
    return &hosts_;
}

}  // namespace green::detail
