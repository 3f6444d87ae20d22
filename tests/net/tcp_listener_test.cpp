#include "net/streams.hpp"

#include <green/core/errors.hpp>
#include <green/tasks/as_result.hpp>

#include <cerrno>
#include <exception>
#include <vector>

using namespace green;
using namespace green_test;

GREEN_TEST("listener: connections in the order in which they came", "[tcp]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::vector<tcp_stream> clients;
    for (int i = 0; i < 10; ++i)
        clients.push_back(co_await tcp_stream::connect(listener.local_address()));
    for (const tcp_stream& c : clients) {
        tcp_stream const taken = co_await listener.accept();
        REQUIRE(taken.remote_address() == c.local_address());
        REQUIRE(taken.local_address() == listener.local_address());
    }
}

GREEN_TEST("listener: who waits is told of a connection, and of the end", "[tcp]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    std::string const name = "tcp " + listener.local_address().to_string();
    auto taking = spawn(listener.accept());
    co_await settle();
    REQUIRE_FALSE(taking.done());
    std::string const second = co_await error_of_wait(listener.accept());
    REQUIRE(second == "green: accept " + name + ": another task waits for the same");
    tcp_stream const a = co_await tcp_stream::connect(listener.local_address());
    tcp_stream const b = co_await std::move(taking);
    REQUIRE(b.remote_address() == a.local_address());
    auto const waiting = spawn(error_of_wait<closed_error>(listener.accept()));
    co_await settle();
    listener.close();
    std::string const error = co_await waiting;
    REQUIRE(error == "accept " + name + ": closed meanwhile");
    REQUIRE_FALSE(listener.is_open());
    std::string const later = co_await error_of_wait<closed_error>(listener.accept());
    REQUIRE(later == "accept: it is closed");
    std::string const refused =
        co_await error_of_wait<std::system_error>(tcp_stream::connect(a.remote_address()));
    REQUIRE(refused == "connect " + name + ": Connection refused");
}

GREEN_TEST("listener: errors name the address", "[tcp]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    address const there = listener.local_address();
    REQUIRE(error_of<std::system_error>([&] {
                tcp_listener::bind(there);
            }) == "listen tcp " + there.to_string() + ": Address already in use");
    REQUIRE(error_of<std::system_error>([] {
                tcp_listener::bind(address::parse("/run/x"));
            }) == "listen tcp /run/x: Address family not supported by protocol");
    connect_options from_nowhere;
    address const local = address::parse("192.0.2.1");
    from_nowhere.local = &local;
    std::string const error =
        co_await error_of_wait<std::system_error>(tcp_stream::connect(there, from_nowhere));
    REQUIRE(error == "bind tcp 192.0.2.1: Cannot assign requested address");
}

GREEN_TEST("listener: two with one port, both families, and IPv6 alone", "[tcp]") {
    listen_options shared;
    shared.reuse_port = true;
    tcp_listener const one = tcp_listener::bind("127.0.0.1", 0, shared);
    tcp_listener const two = tcp_listener::bind(one.local_address(), shared);
    REQUIRE(one.local_address() == two.local_address());

    tcp_listener both = tcp_listener::bind("::", 0);
    std::uint16_t const port = both.local_address().port();
    tcp_stream const v4 = co_await tcp_stream::connect(address::parse("127.0.0.1", port));
    tcp_stream const taken = co_await both.accept();
    REQUIRE(taken.remote_address().ip() == "::ffff:127.0.0.1");

    listen_options alone;
    alone.ipv6_only = true;
    tcp_listener const v6 = tcp_listener::bind("::1", 0, alone);
    std::string const refused = co_await error_of_wait<std::system_error>(
        tcp_stream::connect(address::parse("127.0.0.1", v6.local_address().port()))
    );
    REQUIRE(refused.ends_with("Connection refused"));
}

GREEN_TEST("listener: without a descriptor the connection stays in line", "[tcp]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    tcp_stream const a = co_await tcp_stream::connect(listener.local_address());
    std::exception_ptr refused;
    {
        no_descriptors const tight;
        auto const taken = co_await as_result(listener.accept());
        refused = taken.error();
    }
    std::string const error = error_of<std::system_error>([&] { std::rethrow_exception(refused); });
    REQUIRE(error.ends_with("Too many open files"));
    tcp_stream const b = co_await listener.accept();
    REQUIRE(b.remote_address() == a.local_address());
}

GREEN_TEST("listener: a connection that is accepted and not taken is closed", "[tcp]") {
    tcp_listener listener = tcp_listener::bind("127.0.0.1", 0);
    auto const taking = spawn(listener.accept());
    co_await settle();
    tcp_stream a = co_await tcp_stream::connect(listener.local_address());
    co_await settle();
    REQUIRE(taking.done());
    // The result lives in the handle; the run ends with it.
}

GREEN_TEST("listener: a descriptor that is taken over", "[tcp]") {
    tcp_listener first = tcp_listener::bind("127.0.0.1", 0);
    address const there = first.local_address();
    tcp_listener second = tcp_listener::from_descriptor(first.release());
    REQUIRE_FALSE(first.is_open());
    REQUIRE(second.local_address() == there);
    tcp_stream a = co_await tcp_stream::connect(there);
    tcp_stream const b = co_await second.accept();
    REQUIRE(b.local_address() == there);
    REQUIRE(error_of<std::system_error>([&] {
                tcp_listener::from_descriptor(a.release());
            }) == "take over tcp listener: Invalid argument");
    REQUIRE(error_of<std::system_error>([&] {
                first.local_address();
            }) == "address of tcp listener: Bad file descriptor");
}
