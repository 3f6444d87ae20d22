#pragma once

#include <green/core/task.hpp>
#include <green/dns/dns_error.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/dns/resolver_config.hpp>
#include <green/dns/resolver_stats.hpp>
#include <green/net/address.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace green {

namespace detail {
class resolver_core;
}  // namespace detail

/// Resolves host names on the loop, without a thread, over c-ares. Any number of lookups may be
/// started at once: they wait in line for `max_in_flight`.
///
/// Literals, localhost and the hosts file are answered at once and never reach the network; neither
/// do `.onion` and `.invalid`. Equal questions that are in flight at the same time are one query.
///
/// Belongs to the loop of its first lookup. Destroying it, or the end of the run, ends its lookups
/// with closed_error.
class resolver {
public:
    explicit resolver(resolver_config config = resolver_config::system());
    ~resolver();
    resolver(resolver&&) noexcept;
    resolver& operator=(resolver&&) noexcept;

    /// The addresses of `host`, each with `port`: IPv4 in the server's order, then IPv6. One family
    /// that fails or is absent does not cost the other.
    ///
    /// Throws dns_error: not_found, no_data, timeout (all tries at all servers), server_failure,
    /// refused, bad_name (nothing was sent), bad_answer, no_servers; its text names the host, the
    /// reason and the servers.
    /// **cancel:** total; a query in flight is left to itself, others that wait for it still get it.
    task<std::vector<address>> resolve(
        std::string host, std::uint16_t port = 0, lookup_options options = {}
    );

    resolver_stats stats() const;
    /// Forgets every answer. Questions in flight are not touched.
    void clear_cache();
    const resolver_config& config() const noexcept;

private:
    std::shared_ptr<detail::resolver_core> core_;
};

}  // namespace green
