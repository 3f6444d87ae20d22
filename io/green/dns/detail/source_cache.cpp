#include <green/dns/detail/source_cache.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace green::detail {

namespace {

constexpr std::uint16_t any_port = 53;  // some systems refuse to connect to port 0

/// The network that shares a source: the first 3 of 4 bytes, or the first 8 of 16. A link-local one
/// counts with its interface.
address network_of(const address& a) {
    std::array<std::byte, 16> bytes{};
    const auto given = a.bytes();
    const std::size_t kept = given.size() == 4 ? 3 : 8;
    std::copy_n(given.begin(), kept, bytes.begin());
    return address::from_bytes(std::span(bytes).first(given.size()), 0, a.scope());
}

/// Loopback addresses, and what stands for this machine, have sources of their own.
bool shares_no_network(const address& a) {
    const auto bytes = a.bytes();
    return bytes.size() == 16 && std::all_of(bytes.begin(), bytes.begin() + 8, [](std::byte b) {
               return b == std::byte{0};
           });
}

}  // namespace

source_cache::~source_cache() {
    for (const int fd : {v4_, v6_}) {
        if (fd >= 0) close(fd);
    }
}

void source_cache::order(std::vector<address>& addresses, clock::time_point now) {
    if (!needs_order(addresses)) return;
    if (now >= forget_at_ || sources_.size() >= most_networks) {
        sources_.clear();
        forget_at_ = saturating_add(now, keep);
    }
    std::vector<destination> destinations;
    destinations.reserve(addresses.size());
    for (auto& a : addresses) {
        auto from = source_for(a);
        destinations.push_back({std::move(a), std::move(from)});
    }
    order_destinations(destinations);
    for (std::size_t i = 0; i < addresses.size(); ++i) addresses[i] = std::move(destinations[i].to);
}

const source_address& source_cache::source_for(const address& to) {
    const auto key = shares_no_network(to) ? to.with_port(0) : network_of(to);
    const auto [where, is_new] = sources_.try_emplace(key);
    if (is_new) where->second = ask(to);
    return where->second;
}

/// connect(2) chooses a source and sends nothing. On Linux a connected socket keeps the source that
/// it has, hence the disconnect first.
source_address source_cache::ask(const address& to) {
    ++asked_;
    const int fd = socket_for(to.family());
    if (fd < 0) return std::nullopt;
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    // BSD disconnects and complains of the family.
    if (connect(fd, &nobody, sizeof nobody) != 0 && errno != EAFNOSUPPORT) return std::nullopt;
    const address there = to.with_port(any_port);
    if (connect(fd, there.data(), there.size()) != 0) return std::nullopt;
    sockaddr_storage name;
    socklen_t size = sizeof name;
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&name), &size) != 0) return std::nullopt;
    return address::from_sockaddr(reinterpret_cast<sockaddr*>(&name), size).with_port(0);
}

int source_cache::socket_for(address_family family) {
    const bool v4 = family == address_family::ipv4;
    int& fd = v4 ? v4_ : v6_;
    if (fd < 0) fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd;
}

}  // namespace green::detail
