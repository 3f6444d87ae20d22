#include "net/streams.hpp"

#include <green/dns/dns_error.hpp>
#include <green/net/connect_error.hpp>
#include <green/testing/dns_server.hpp>

#include <cerrno>
#include <filesystem>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;
using green::testing::dns_server;

namespace {

std::ptrdiff_t open_descriptors() {
    std::filesystem::directory_iterator const all("/proc/self/fd");
    return std::distance(begin(all), end(all));
}

/// A name server with addresses for "host.test", and a resolver that asks it.
struct names {
    explicit names(const std::vector<std::string>& ips) : asks(only_sorted_here(server)) {
        server.answer("host.test", ips);
    }
    static resolver_config only_sorted_here(const dns_server& server) {
        resolver_config config = green::testing::only(server);
        config.sort_addresses = false;
        return config;
    }
    connect_options options() {
        connect_options o;
        o.names = &asks;
        o.family = 4;
        return o;
    }

    dns_server server;
    resolver asks;
};

/// A port that takes no connection and refuses none: its queue is full.
struct silent_port {
    /// 127.0.0.2, with this port.
    static task<silent_port> make(std::uint16_t port = 0) {
        tcp_listener l = tcp_listener::bind("127.0.0.2", port, {.backlog = 0});
        tcp_stream s = co_await tcp_stream::connect(l.local_address());
        co_return silent_port{std::move(l), std::move(s)};
    }
    tcp_listener listener;
    tcp_stream first;
};

/// The error that awaiting `a` throws.
template <class Error, awaitable A>
task<Error> error_thrown_by(A a) {
    std::optional<Error> error;
    try {
        static_cast<void>(co_await std::move(a));
    } catch (const Error& e) {
        error = e;
    }
    co_return error.value();
}

/// A port of 127.0.0.1 where nobody listens.
std::uint16_t free_port() { return tcp_listener::bind("127.0.0.1", 0).local_address().port(); }

}  // namespace

// conformance 246
GREEN_TEST("connect: a refused port, and no descriptor is left", "[connect]") {
    std::uint16_t const port = free_port();
    auto const before = open_descriptors();
    for (int i = 0; i < 10; ++i) {
        connect_error const e =
            co_await error_thrown_by<connect_error>(tcp_stream::connect("127.0.0.1", port));
        REQUIRE(e.code() == std::errc::connection_refused);
        REQUIRE(
            std::string(e.what()) ==
            "connect tcp 127.0.0.1:" + std::to_string(port) + ": Connection refused"
        );
        REQUIRE(e.attempts().front().to == address::parse("127.0.0.1", port));
    }
    co_await settle();
    REQUIRE(open_descriptors() == before);
}

GREEN_TEST("connect: by address, by name, by localhost", "[connect]") {
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    std::uint16_t const port = l.local_address().port();
    names n({"127.0.0.1"});
    connect_options any = n.options();
    any.family = 0;
    for (const char* host : {"127.0.0.1", "host.test", "localhost"}) {
        tcp_stream const s = co_await tcp_stream::connect(host, port, any);
        REQUIRE(s.remote_address() == l.local_address());
    }
    REQUIRE(n.server.queries("host.test", 1) == 1);
    REQUIRE(n.server.queries("localhost") == 0);
}

GREEN_TEST("connect: from an address of our choice", "[connect]") {
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    names n({"127.0.0.1"});
    address const here = address::parse("127.0.0.3");
    connect_options from = n.options();
    from.family = 0;
    from.local = &here;
    tcp_stream const s = co_await tcp_stream::connect("host.test", l.local_address().port(), from);
    REQUIRE(s.local_address().ip() == "127.0.0.3");
    REQUIRE(n.server.queries("host.test", 28) == 0);  // an IPv4 address reaches no IPv6 one
}

GREEN_TEST("connect: an address that is silent costs a quarter of a second", "[connect]") {
    tcp_listener l = tcp_listener::bind("127.0.0.1", 0);
    std::uint16_t const port = l.local_address().port();
    silent_port const silent = co_await silent_port::make(port);
    names n({"127.0.0.2", "127.0.0.1"});
    co_await n.asks.resolve("host.test", 0, {.family = 4});  // the resolver's own descriptors
    auto const before = open_descriptors();
    auto start = elapsed();
    {
        tcp_stream const s = co_await tcp_stream::connect("host.test", port, n.options());
        REQUIRE(s.remote_address() == l.local_address());
        REQUIRE(elapsed() - start >= 250ms);
        REQUIRE(elapsed() - start < 1s);
        REQUIRE(open_descriptors() <= before + 1);
    }
    // And one that refuses costs nothing.
    names other({"127.0.0.4", "127.0.0.1"});
    co_await other.asks.resolve("host.test", 0, {.family = 4});
    start = elapsed();
    tcp_stream const s = co_await tcp_stream::connect("host.test", port, other.options());
    REQUIRE(elapsed() - start < 250ms);
}

GREEN_TEST("connect: all have failed, and each is named", "[connect]") {
    std::uint16_t const port = free_port();
    std::string const at = ":" + std::to_string(port);
    names n({"127.0.0.1", "127.0.0.2"});
    connect_error const e = co_await error_thrown_by<connect_error>(
        tcp_stream::connect("host.test", port, n.options())
    );
    REQUIRE(
        std::string(e.what()) ==
        "connect tcp host.test" + at + ": 127.0.0.1" + at + ": Connection refused; 127.0.0.2" + at +
            ": Connection refused"
    );
    // The names of the other family are a part of the story.
    n.server.fail("host.test", 2, {.type = 28});
    connect_options both = n.options();
    both.family = 0;
    connect_error const names_too =
        co_await error_thrown_by<connect_error>(tcp_stream::connect("host.test", port, both));
    REQUIRE(contains(names_too.what(), "; AAAA: resolve host.test: server_failure"));
    // Without any address it is an error of the name.
    dns_error const none =
        co_await error_thrown_by<dns_error>(tcp_stream::connect("no.test", port, both));
    REQUIRE(none.code() == dns_errc::not_found);
    connect_options wrong;
    wrong.family = 5;
    std::string const family =
        co_await error_of_wait<std::invalid_argument>(tcp_stream::connect("a.test", 1, wrong));
    REQUIRE(family == "green: connect: the family is 0, 4 or 6");
}

GREEN_TEST("connect: a limit of time says how far it has come", "[connect]") {
    silent_port const silent = co_await silent_port::make();
    std::uint16_t const port = silent.listener.local_address().port();
    std::string const at = ":" + std::to_string(port);
    auto start = elapsed();
    connect_options short_time;
    short_time.timeout = 100ms;
    std::string const one =
        co_await error_of_wait<timeout_error>(tcp_stream::connect("127.0.0.2", port, short_time));
    REQUIRE(one == "connect tcp 127.0.0.2" + at + ": not done after 100 ms");
    REQUIRE(elapsed() - start == 100ms);

    names n({"127.0.0.1", "127.0.0.2"});
    connect_options options = n.options();
    options.timeout = 10s;
    co_await n.asks.resolve("host.test", 0, {.family = 4});
    auto const before = open_descriptors();
    start = elapsed();
    std::string const all =
        co_await error_of_wait<timeout_error>(tcp_stream::connect("host.test", port, options));
    REQUIRE(
        all ==
        "connect tcp host.test" + at + " (127.0.0.1" + at + ": Connection refused; 127.0.0.2" + at +
            ": no answer yet): not done after 10000 ms"
    );
    REQUIRE(elapsed() - start == 10s);

    // The caller's own limit.
    auto const made = co_await move_on_after(5s, tcp_stream::connect("host.test", port, options));
    REQUIRE_FALSE(made.has_value());
    co_await settle();
    REQUIRE(open_descriptors() <= before);
}

GREEN_TEST("connect: cancelled before it begins, and while it waits", "[connect]") {
    silent_port const silent = co_await silent_port::make();
    auto const before = open_descriptors();
    for (bool const begun : {false, true}) {
        auto h = spawn(tcp_stream::connect("127.0.0.2", silent.listener.local_address().port()));
        if (begun) co_await settle();
        h.cancel();
        co_await h.join();
        REQUIRE(h.cancelled());
    }
    co_await settle();
    REQUIRE(open_descriptors() == before);
}
