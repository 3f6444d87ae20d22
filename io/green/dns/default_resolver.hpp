#pragma once

#include <green/dns/resolver.hpp>

namespace green {

/// The resolver of this loop, made on first use from `resolver_config::system()`.
resolver& default_resolver();

/// Replaces it, for the rest of this run; lookups in flight at the old one end with closed_error.
void set_default_resolver(resolver r);

/// `default_resolver().resolve(…)`.
task<std::vector<address>> getaddrinfo(
    std::string host, std::uint16_t port = 0, lookup_options options = {}
);

/// The name of an address, or its numeric text without the port when it has none: getnameinfo(3)
/// without NI_NAMEREQD. A server that fails still is a dns_error. **cancel:** total.
task<std::string> getnameinfo(address ip);

/// The first IPv4 address as text: `gevent.socket.gethostbyname`.
task<std::string> gethostbyname(std::string host);

}  // namespace green
