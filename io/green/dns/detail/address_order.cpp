#include <green/dns/detail/address_order.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace green::detail {

namespace {

/// An IPv6 address; an IPv4 one as ::ffff:0:0/96 (RFC 6724, 2.1 and 3.2).
using ip_bytes = std::array<std::uint8_t, 16>;

ip_bytes bytes_of(const address& a) {
    ip_bytes out{};
    const auto given = a.bytes();
    if (given.size() == 4) out[10] = out[11] = 0xff;
    std::transform(
        given.begin(), given.end(), out.end() - static_cast<std::ptrdiff_t>(given.size()),
        [](std::byte b) { return std::to_integer<std::uint8_t>(b); }
    );
    return out;
}

bool is_mapped(const ip_bytes& ip) {
    constexpr std::array<std::uint8_t, 12> prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    return std::equal(prefix.begin(), prefix.end(), ip.begin());
}

/// Eight bytes from `first` on, as the number that they are on the wire.
std::uint64_t half_of(const ip_bytes& ip, std::size_t first) {
    std::uint64_t half = 0;
    for (std::size_t i = 0; i < 8; ++i) half = half << 8 | ip[first + i];
    return half;
}

unsigned common_bits(const ip_bytes& a, const ip_bytes& b, unsigned limit) {
    unsigned bits = 0;
    for (std::size_t const first : {0, 8}) {
        auto const same = std::countl_zero(half_of(a, first) ^ half_of(b, first));
        bits += static_cast<unsigned>(same);
        if (same < 64) break;
    }
    return std::min(bits, limit);
}

/// Numbers of RFC 4291, 2.7; those of IPv4 and of unicast by RFC 6724, 3.1 and 3.2.
constexpr std::uint8_t link_local = 2;
constexpr std::uint8_t site_local = 5;
constexpr std::uint8_t global = 14;

std::uint8_t scope_of(const ip_bytes& ip) {
    if (is_mapped(ip)) {
        const bool local = ip[12] == 127 || (ip[12] == 169 && ip[13] == 254);
        return local ? link_local : global;
    }
    if (ip[0] == 0xff) return ip[1] & 0x0f;  // multicast says it itself
    if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80) return link_local;
    if (ip[0] == 0xfe && (ip[1] & 0xc0) == 0xc0) return site_local;
    constexpr ip_bytes loopback{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    return ip == loopback ? link_local : global;
}

/// A line of the default policy table, RFC 6724, 2.1.
struct policy {
    ip_bytes prefix;
    unsigned bits;
    int precedence;
    int label;
};

constexpr std::array<policy, 9> policies{{
    // From the longest prefix to the shortest: the first that matches is the one.
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},  // ::1, loopback
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},  // ::ffff:0:0, IPv4
    {{}, 96, 1, 3},  // ::, IPv4-compatible, deprecated
    {{0x20, 0x01}, 32, 5, 5},  // 2001::, Teredo
    {{0x20, 0x02}, 16, 30, 2},  // 2002::, 6to4
    {{0x3f, 0xfe}, 16, 1, 12},  // 3ffe::, 6bone
    {{0xfe, 0xc0}, 10, 1, 11},  // fec0::, site-local
    {{0xfc}, 7, 3, 13},  // fc00::, unique local
    {{}, 0, 40, 1},  // ::, everything else
}};

const policy& policy_of(const ip_bytes& ip) {
    return *std::find_if(policies.begin(), policies.end(), [&](const policy& p) {
        return common_bits(p.prefix, ip, p.bits) == p.bits;
    });
}

/// What the rules compare, worked out once for each destination.
struct rank {
    bool usable = false;
    bool scope_matches = false;
    bool label_matches = false;
    int precedence = 0;
    std::uint8_t scope = 0;
    bool v6 = false;
    unsigned prefix = 0;
    std::size_t place;  // in the order given

    rank(const destination& d, std::size_t its_place) : place(its_place) {
        const auto to = bytes_of(d.to);
        const auto& its_policy = policy_of(to);
        precedence = its_policy.precedence;
        scope = scope_of(to);
        v6 = !is_mapped(to);
        usable = d.from.has_value();
        if (!usable) return;
        const auto from = bytes_of(*d.from);
        scope_matches = scope_of(from) == scope;
        label_matches = policy_of(from).label == its_policy.label;
        // The prefix of an interface has 64 bits: what is behind those is no matter of distance.
        prefix = common_bits(to, from, 64);
    }
};

/// `a` goes before `b`.
bool is_better(const rank& a, const rank& b) {
    if (a.usable != b.usable) return a.usable;
    if (a.scope_matches != b.scope_matches) return a.scope_matches;
    if (a.label_matches != b.label_matches) return a.label_matches;
    if (a.precedence != b.precedence) return a.precedence > b.precedence;
    if (a.scope != b.scope) return a.scope < b.scope;
    if (a.v6 && b.v6 && a.prefix != b.prefix) return a.prefix > b.prefix;
    return a.place < b.place;
}

}  // namespace

bool needs_order(const std::vector<address>& addresses) {
    if (addresses.size() < 2) return false;
    const auto first = bytes_of(addresses.front());
    return std::any_of(addresses.begin() + 1, addresses.end(), [&](const address& a) {
        const auto ip = bytes_of(a);
        if (is_mapped(ip) != is_mapped(first) || scope_of(ip) != scope_of(first)) return true;
        return !is_mapped(ip) && common_bits(ip, first, 64) < 64;
    });
}

void order_destinations(std::vector<destination>& destinations) {
    std::vector<rank> ranks;
    ranks.reserve(destinations.size());
    for (const destination& d : destinations) ranks.emplace_back(d, ranks.size());
    if (std::is_sorted(ranks.begin(), ranks.end(), is_better)) return;
    std::sort(ranks.begin(), ranks.end(), is_better);
    std::vector<destination> ordered;
    ordered.reserve(destinations.size());
    for (const rank& r : ranks) ordered.push_back(std::move(destinations[r.place]));
    destinations = std::move(ordered);
}

}  // namespace green::detail
