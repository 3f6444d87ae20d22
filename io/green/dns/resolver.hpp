#pragma once

#include <green/core/task.hpp>
#include <green/dns/dns_error.hpp>
#include <green/net/address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace green {

/// What one lookup wants.
struct lookup_options {
    /// 4: IPv4 only, 6: IPv6 only, 0: both.
    int family = 0;
    /// For the whole lookup, counted from the co_await; over: dns_error with dns_errc::timeout.
    std::chrono::nanoseconds timeout = std::chrono::nanoseconds::max();
    /// May be answered from a cache. This version has none yet.
    bool use_cache = true;
};

/// How a resolver works. A default-constructed one has no servers and reads no files: everything it
/// does is said here.
struct resolver_config {
    /// Asked in this order; a port of 0 means 53.
    std::vector<address> servers;
    /// For one try at one server. The next try asks the next server.
    std::chrono::nanoseconds timeout = std::chrono::seconds(1);
    /// Tries per question, over all servers. At least 1.
    int tries = 4;
    /// Start with another server each time.
    bool rotate = false;
    /// Domains that a name with fewer dots than `ndots` is completed with; see resolv.conf(5).
    std::vector<std::string> search;
    int ndots = 1;
    /// Questions in flight at one server, 1 to 1000; those above wait their turn in order. What a
    /// socket's buffer holds bounds this: more only means that answers are lost.
    std::size_t max_in_flight = 100;
    /// Read like /etc/hosts, again when it changes (looked at every 5 s at most). Empty: none.
    std::string hosts_path;

    /// What this machine says: /etc/resolv.conf with LOCALDOMAIN and RES_OPTIONS, /etc/hosts.
    static resolver_config system();
};

/// Counts since the resolver was made.
struct resolver_stats {
    std::uint64_t lookups = 0;
    std::uint64_t from_hosts = 0;  // hosts file, literals, localhost
    std::uint64_t shared = 0;  // questions that another lookup had already asked
    std::uint64_t sent = 0;  // queries to servers, with retries
    std::uint64_t timed_out = 0;
    std::size_t queued = 0;  // now waiting for the window
    std::size_t in_flight = 0;  // now at a server
};

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
    const resolver_config& config() const noexcept;

private:
    class impl;
    std::shared_ptr<impl> impl_;
};

/// The resolver of this loop, made on first use from `resolver_config::system()`.
resolver& default_resolver();

/// Replaces it, for the rest of this run; lookups in flight at the old one end with closed_error.
void set_default_resolver(resolver r);

/// `default_resolver().resolve(…)`.
task<std::vector<address>> getaddrinfo(
    std::string host, std::uint16_t port = 0, lookup_options options = {}
);

/// The first IPv4 address as text: `gevent.socket.gethostbyname`.
task<std::string> gethostbyname(std::string host);

}  // namespace green
