#pragma once

#include <green/core/task.hpp>
#include <green/dns/detail/resolver_core.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/net/address.hpp>

#include <memory>
#include <string>

namespace green::detail {

/// `resolver::reverse`.
task<std::string> look_up_name(
    std::shared_ptr<resolver_core> core, address ip, lookup_options options
);

/// Where the PTR record of an address is: `1.2.0.192.in-addr.arpa` (RFC 1035, 3.5), and by nibbles
/// in `ip6.arpa` (RFC 3596, 2.5).
std::string reverse_name(const address& ip);

}  // namespace green::detail
