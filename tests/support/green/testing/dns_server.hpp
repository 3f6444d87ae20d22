#pragma once

#include <green/dns/resolver.hpp>
#include <green/net/address.hpp>
#include <green/testing/dns_reply.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

struct uv_loop_s;

namespace green::testing {

/// A DNS server that does what a test or a demonstration says, UDP and TCP on a port of this machine,
/// in this process, on a loop. It is no server for anybody else: there are no zones, no recursion
/// and no defence.
///
///     GREEN_TEST or any other green task:
///         dns_server server;
///         server.answer("www.example.test", {"192.0.2.1", "2001:db8::1"}, {.ttl = 60, .delay = 20ms});
///         server.silent("slow.example.test");
///         server.answer("*.bulk.test", {"192.0.2.9"});
///         server.records("example.test", {mx_record(10, "mail.example.test"), txt_record({"hello"})});
///         server.script("flaky.test", {dns_reply::silent(), dns_reply::fail(rcode_server_failure),
///                                      dns_reply::answer({"192.0.2.7"})});
///         resolver r(only(server));
///
/// **Rules.** Names are compared without case. `*.zone` stands for every name below a zone that has no
/// rule of its own, `*` for every name at all; with no rule that fits the answer is NXDOMAIN. A rule
/// for one type (`dns_reply_options::type`) goes before that for all; a later rule for the same name
/// and type replaces the earlier one. A name with addresses of one family only has no data in the
/// other.
///
/// **Tries.** A script has a reply for each try, counted by name and type; the last one is for all
/// that follow. A query over TCP behind a truncated reply belongs to the same try.
///
/// **Time.** On the loop that runs, delays are on that loop's clock: under virtual time they cost
/// nothing. A resolver's timeouts jump there as well, so that only a server on the same loop is fast
/// enough for it.
///
/// **What to look out for.** The handles do not keep the loop alive. SIGPIPE has to be blocked or
/// ignored, as `run` does: a client may have closed the TCP connection that is answered. A reply over
/// UDP that is longer than the query allows (512 bytes, with EDNS what that says) is truncated, as by
/// a real server; more than some 200 replies at once overflow the client's socket and are lost, as in
/// a real network. A reply of over 65 535 bytes cannot be sent.
class dns_server {
public:
    /// Runs a function after some time on the loop's thread.
    using schedule = std::function<void(std::chrono::nanoseconds, std::function<void()>)>;

    /// On the loop that runs on this thread. `where` has an address of this machine; port 0 is any
    /// free one. Throws std::system_error when it is not to be had, std::logic_error without a loop.
    explicit dns_server(const green::address& where = loopback());

    /// On any libuv loop. Without `later`, delays are timers of that loop.
    explicit dns_server(
        uv_loop_s* loop, schedule later = {}, const green::address& where = loopback()
    );

    /// At any time. A loop that is not green's has to run until it has called the close callbacks.
    ~dns_server();

    dns_server(const dns_server&) = delete;
    dns_server& operator=(const dns_server&) = delete;

    static green::address loopback() { return green::address::parse("127.0.0.1"); }

    green::address address() const;

    /// One reply for each try, the last one for all further ones.
    void script(std::string_view name, std::vector<dns_reply> tries);

    // A script with one reply; see dns_reply for each.
    void answer(
        std::string_view name, const std::vector<std::string>& ips, dns_reply_options options = {}
    );
    void records(
        std::string_view name, std::vector<dns_record> records, dns_reply_options options = {}
    );
    void alias(std::string_view name, std::string_view target, dns_reply_options options = {});
    void silent(std::string_view name, dns_reply_options options = {});
    void fail(std::string_view name, int rcode, dns_reply_options options = {});
    void not_found(std::string_view name, dns_reply_options options = {});
    void no_data(std::string_view name, dns_reply_options options = {});
    void garbage(std::string_view name, std::string_view bytes, dns_reply_options options = {});

    /// Each n-th query of all stays without a reply; 0: none.
    void lose_every(std::size_t n);

    std::size_t queries() const;  ///< that came, over UDP and TCP
    std::size_t queries(std::string_view name) const;  ///< of all types
    std::size_t queries(std::string_view name, std::uint16_t type) const;
    std::size_t tcp_queries() const;
    std::size_t connections() const;  ///< over TCP, that were accepted
    std::size_t unanswered() const;  ///< came and have no reply yet: lost, silent or delayed
    std::size_t most_unanswered() const;
    std::optional<dns_question> last_question() const;  ///< as it came, in its case
    void reset_counters();

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// A resolver_config that knows this server and nothing else.
resolver_config only(const dns_server& server);

}  // namespace green::testing
