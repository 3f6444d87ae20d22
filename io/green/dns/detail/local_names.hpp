#pragma once

#include <green/dns/detail/name.hpp>
#include <green/net/address.hpp>

#include <string>
#include <vector>

namespace green::detail {

/// The addresses of a host that is no ordinary name and needs no server: a literal, localhost. Only
/// those of the family (0: both). Throws dns_error for what cannot be a name or never exists. `host`
/// is the text that the user gave.
std::vector<address> special_addresses(
    const checked_name& name, const std::string& host, int family
);

}  // namespace green::detail
