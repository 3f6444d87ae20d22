#pragma once

#include <green/dns/resolver.hpp>
#include <green/net/address.hpp>
#include <green/testing/dns_packet.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct uv_loop_s;

namespace green::testing {

struct dns_reply_options {
    std::uint32_t ttl = 60;  ///< seconds; of a negative answer: of its SOA
    std::chrono::nanoseconds delay{0};  ///< from the query to the reply
    unsigned lose = 0;  ///< so many queries stay without a reply first
    int family = 0;  ///< 4: only for A, 6: only for AAAA
    bool truncated = false;  ///< over UDP nothing but the TC bit; over TCP all
    bool soa = true;  ///< a negative answer has a SOA
};

/// A DNS server that does what a test or a demonstration says, on a free port of 127.0.0.1, UDP and
/// TCP, in this process and on the given loop. Its handles do not keep that loop alive. SIGPIPE has
/// to be blocked or ignored, as green's `run` does.
///
///     dns_server server(loop);
///     server.answer("www.example.test", {"192.0.2.1", "2001:db8::1"}, {.ttl = 60, .delay = 20ms});
///     server.silent("slow.example.test");
///     server.answer("*.bulk.test", {"192.0.2.9"});
///
/// Names are compared without case. `*.zone` stands for every name below a zone that has no rule of
/// its own, `*` for every name at all; with no rule that fits the answer is NXDOMAIN. A name with
/// addresses of one family only has no data in the other. A later rule for the same name and family
/// replaces an earlier one.
class dns_server {
public:
    /// Runs a function after some time on the loop's thread.
    using schedule = std::function<void(std::chrono::nanoseconds, std::function<void()>)>;

    /// Without `later`, delays are timers of the loop. Throws std::runtime_error when no port is to
    /// be had.
    explicit dns_server(uv_loop_s* loop, schedule later = {});

    /// On the loop that runs on this thread, with delays on that loop's clock: under virtual time they
    /// cost nothing.
    dns_server();

    /// At any time. The loop has to run until it has called the close callbacks.
    ~dns_server();

    dns_server(const dns_server&) = delete;
    dns_server& operator=(const dns_server&) = delete;

    green::address address() const;

    void answer(
        std::string_view name, const std::vector<std::string>& ips, dns_reply_options options = {}
    );
    /// The reply follows the alias as far as this server knows.
    void alias(std::string_view name, std::string_view target, dns_reply_options options = {});
    void silent(std::string_view name, dns_reply_options options = {});
    void fail(std::string_view name, int rcode, dns_reply_options options = {});
    void not_found(std::string_view name, dns_reply_options options = {});
    void no_data(std::string_view name, dns_reply_options options = {});
    /// A reply whose header and question are right, followed by `bytes` as its one answer.
    void garbage(std::string_view name, std::string_view bytes, dns_reply_options options = {});

    std::size_t queries() const;  ///< that came, over UDP and TCP
    std::size_t queries(std::string_view name) const;  ///< of all types
    std::size_t queries(std::string_view name, std::uint16_t type) const;
    std::size_t tcp_queries() const;
    std::size_t unanswered() const;  ///< came and have no reply yet: lost, silent or delayed
    std::size_t most_unanswered() const;
    void reset_counters();

private:
    struct state;
    std::shared_ptr<state> state_;
};

/// A resolver_config that knows this server and nothing else.
resolver_config only(const dns_server& server);

}  // namespace green::testing
