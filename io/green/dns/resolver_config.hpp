#pragma once

#include <green/net/address.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace green {

/// How a resolver works. A default-constructed one has no servers and reads no files: everything it
/// does is said here.
struct resolver_config {
    /// Asked in this order; a port of 0 means 53.
    std::vector<address> servers;
    /// For the first try at a server. The second may take twice as long, those after it four times, each
    /// up to a fifth more. Each asks another server; those that have failed lately come last.
    std::chrono::nanoseconds timeout = std::chrono::seconds(1);
    /// Tries per question, over all servers. At least 1.
    int tries = 4;
    /// Start with another server each time.
    bool rotate = false;
    /// Domains that a name with fewer dots than `ndots` is completed with; see resolv.conf(5).
    std::vector<std::string> search;
    int ndots = 1;
    /// Questions in flight at one server at most, 1 to 1000; those above wait their turn in order. With
    /// more than 100 it begins with 100 and grows while nothing is lost; it shrinks where much is lost,
    /// and is never more than the socket's buffer holds answers.
    std::size_t max_in_flight = 100;

    /// Answers kept, one per name and type; the least lately used go first. 0: none are kept.
    std::size_t cache_entries = 10'000;
    /// For how long an answer is kept: its own TTL, but no less and no more than this. What does not
    /// exist is kept for three hours at most.
    std::chrono::nanoseconds cache_min_ttl{0};
    std::chrono::nanoseconds cache_max_ttl = std::chrono::hours(24);
    /// For how long nobody asks again when the servers have failed (RFC 2308, 7: five minutes at most).
    std::chrono::nanoseconds cache_failure_ttl = std::chrono::seconds(1);
    /// For so long after its end an answer is still given, at once, while a new one is asked for in
    /// the background (RFC 8767). 0: never.
    std::chrono::nanoseconds cache_stale{0};

    /// resolve() does not ask for a family in which this machine has no address but the loopback
    /// one; asked for by `lookup_options::family` it is.
    bool local_families_only = false;
    /// The addresses come in the order in which they are to be tried (RFC 6724). Otherwise IPv4 first,
    /// in the server's order.
    bool sort_addresses = true;
    /// Once one address family has an answer, the other is waited for so long at most. What comes
    /// later is kept in the cache.
    std::chrono::nanoseconds family_delay = std::chrono::milliseconds(300);
    /// TCP for everything, not only for what is too long for UDP.
    bool tcp_only = false;

    /// Read like /etc/hosts, again when it changes (looked at every 5 s at most). Empty: none.
    std::string hosts_path;
    /// Its `hosts:` line says in which order `files` and `dns` are asked; likewise. Empty: files, dns.
    std::string nsswitch_path;
    /// When this file changes, what it says otherwise than before is followed, apart from members that
    /// the program has changed. Lookups in flight stay with the old servers; the cache is kept unless
    /// there are other servers. Set by the functions below, which read it. Empty: nothing is followed.
    std::string resolv_conf_path;

    /// What this machine says: /etc/resolv.conf with LOCALDOMAIN and RES_OPTIONS, /etc/hosts and
    /// /etc/nsswitch.conf.
    static resolver_config system();
    /// The same from other files of these kinds. An empty path stands for an empty file.
    static resolver_config from_files(
        std::string resolv_conf, std::string hosts = {}, std::string nsswitch = {}
    );
};

}  // namespace green
