#pragma once

#include <green/core/task.hpp>
#include <green/dns/detail/record_lookup.hpp>
#include <green/dns/dns_error.hpp>
#include <green/dns/lookup_options.hpp>
#include <green/dns/lookup_trace.hpp>
#include <green/dns/records.hpp>
#include <green/dns/resolver_config.hpp>
#include <green/dns/resolver_stats.hpp>
#include <green/net/address.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace green {

/// Resolves names on the loop, without a thread, over c-ares. Any number of lookups may be started at
/// once: they wait in line for `resolver_config::max_in_flight`.
///
/// Literals, localhost and the hosts file are answered at once and never reach the network; neither
/// do `.onion` and `.invalid`. What the cache knows is answered without a suspension. Equal questions
/// that are in flight at the same time are one query; who is cancelled or late leaves it to the
/// others, and a query that nobody waits for any more still fills the cache. For names that only the
/// system's own resolver knows (mDNS, LDAP) there is `getaddrinfo_system`.
///
///     resolver_config config = resolver_config::system();
///     config.tries = 2;
///     resolver r(config);
///     auto addresses = co_await r.resolve("www.example.org", 443);
///     auto mail = co_await r.query<mx>("example.org");
///
/// Belongs to the loop of its first lookup. Destroying it, or the end of the run, ends its lookups
/// with closed_error.
class resolver {
public:
    explicit resolver(resolver_config config = resolver_config::system());
    ~resolver();
    resolver(resolver&&) noexcept;
    resolver& operator=(resolver&&) noexcept;

    /// The addresses of `host`, each with `port`, in the order in which they are to be tried (RFC
    /// 6724; see resolver_config::sort_addresses). A and AAAA are asked for at once; a family that
    /// fails, is absent or comes later than `resolver_config::family_delay` after the other does not
    /// cost the other. Who wants each family as soon as it is there makes two lookups, with
    /// `options.family` 4 and 6.
    ///
    /// Throws dns_error: not_found, no_data, timeout (all tries at all servers), server_failure,
    /// refused, bad_name (nothing was sent), bad_answer, no_servers; its text names the host, the
    /// reason and the servers.
    /// **cancel:** total; a query in flight is left to itself, others that wait for it still get it.
    task<std::vector<address>> resolve(
        std::string host, std::uint16_t port = 0, lookup_options options = {}
    );

    /// The records of one type: `co_await r.query<mx>("example.org")`. Any of those in
    /// <green/dns/records.hpp>. The servers are asked for the name as it stands: no search list, no
    /// hosts file, as `dig` and Node's dns.resolve* have it. A CNAME chain is followed.
    /// `options.family` means nothing here.
    ///
    /// The name may be that of no host, `My Printer._ipp._tcp.example.org`, and "." is the root. Its text
    /// is that of RFC 1035, 5.1, with a backslash before a dot that is part of a label, and before the
    /// three digits of a byte that does not print. Newer versions of c-ares (1.34, not 1.18) send names
    /// of letters, digits and `-_/*` only: with them others are a bad_name.
    ///
    /// Throws dns_error as `resolve` does; no_data when the name has no such record. **cancel:** total.
    template <class Record>
    task<std::vector<Record>> query(std::string name, lookup_options options = {}) {
        static_assert(
            detail::is_dns_record<Record>,
            "green: resolver::query<Record> gives a, aaaa, cname, mx, txt, srv, ns, ptr, soa, caa, "
            "naptr, svcb, https or tlsa; for another type say its number: query(name, 257)"
        );
        if constexpr (detail::is_dns_record<Record>) {
            return detail::query_records<Record>(core_, std::move(name), options);
        } else {
            return {};
        }
    }

    /// The same for a type by its number, as bytes.
    task<std::vector<raw_record>> query(
        std::string name, std::uint16_t type, lookup_options options = {}
    );

    /// The name of an address: the hosts file, then the PTR record in in-addr.arpa or ip6.arpa. The
    /// first when there are several. The port does not matter; the loopback addresses never reach
    /// a server.
    ///
    /// Throws dns_error: not_found or no_data when it has no name, and as `resolve`; std::invalid_argument for
    /// a unix path. **cancel:** total.
    task<std::string> reverse(address ip, lookup_options options = {});

    /// One lookup as `resolve` does it, told step by step: hosts file, cache, search list, questions,
    /// servers and times. A lookup that fails is told like one that does not; nothing is thrown for it
    /// but closed_error. **cancel:** total.
    task<lookup_trace> explain(std::string host, lookup_options options = {});

    resolver_stats stats() const;
    /// Forgets every answer. Questions in flight are not touched.
    void clear_cache();
    /// The present one: with what resolv.conf says now, if it is followed. Valid until the next
    /// lookup.
    const resolver_config& config() const noexcept;

private:
    std::shared_ptr<detail::resolver_core> core_;
};

}  // namespace green
