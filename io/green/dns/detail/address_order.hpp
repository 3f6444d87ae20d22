#pragma once

#include <green/net/address.hpp>

#include <optional>
#include <vector>

namespace green::detail {

/// The address that this machine would send from; empty if there is no route.
using source_address = std::optional<address>;

struct destination {
    address to;
    source_address from;
};

/// Whether RFC 6724 has anything to say about these addresses: whether they differ in family or scope,
/// or are IPv6 addresses under different labels or of different networks. If not, their order is the
/// server's and no source has to be looked for.
bool needs_order(const std::vector<address>& addresses);

/// The order of RFC 6724, section 6, the best destination first. Rules:
///
///     1  avoid unusable destinations          6  prefer higher precedence
///     2  prefer matching scope                8  prefer smaller scope
///     5  prefer matching label                9  use longest matching prefix (IPv6 only)
///
/// 3 (deprecated sources), 4 (home addresses) and 7 (native transport) need what connect(2) does not
/// tell. 9 is not for IPv4, where it defeats the rotation of a server's addresses and says nothing
/// about the distance. What is equal in all of them keeps its order, which is rule 10.
///
/// The policy table is that of section 2.1; gai.conf(5) is not read.
void order_destinations(std::vector<destination>& destinations);

}  // namespace green::detail
