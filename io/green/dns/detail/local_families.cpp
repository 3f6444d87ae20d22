#include <green/dns/detail/local_families.hpp>

#include <green/net/address.hpp>

#include <memory>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace green::detail {

namespace {

/// The address of an interface that is up, if it is one of IP that reaches beyond its link.
void add(families& found, const ifaddrs& i) {
    if (!i.ifa_addr || (i.ifa_flags & IFF_UP) == 0) return;
    const int family = i.ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) return;
    const auto size = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    const auto a = address::from_sockaddr(i.ifa_addr, static_cast<std::uint32_t>(size));
    if (a.is_loopback()) return;
    if (family == AF_INET) found.v4 = true;
    if (family == AF_INET6 && !a.is_link_local()) found.v6 = true;
}

}  // namespace

families find_local_families() noexcept {
    ifaddrs* list = nullptr;
    if (getifaddrs(&list) != 0) return {};
    const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> guard(list, &freeifaddrs);
    families found{false, false};
    for (const ifaddrs* i = list; i; i = i->ifa_next) add(found, *i);
    if (!found.v4 && !found.v6) return {};
    return found;
}

families local_families::now(clock::time_point time) {
    if (time >= look_at_) {
        look_at_ = saturating_add(time, keep);
        found_ = find_local_families();
    }
    return found_;
}

}  // namespace green::detail
