// Peers that are gone without a word, and addresses behind which there is nobody.

#include "net/own_network.hpp"
#include "net/streams.hpp"

#include <green/net/serve.hpp>
#include <green/net/stream_error.hpp>
#include <green/tasks/as_result.hpp>
#include <green/testing/dns_server.hpp>

#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace green;
using namespace green_test;

namespace {

bool is_there(const own_network& network) {
    if (!network.problem().empty()) WARN("skipped: " << network.problem());
    return network.problem().empty();
}

task<tcp_stream> connect_from_far(const tcp_listener& listener) {
    address const from = address::parse(own_network::far);
    connect_options options;
    options.local = &from;
    co_return co_await tcp_stream::connect(listener.local_address(), options);
}

/// Of which the second can vanish.
task<ends<tcp_stream>> ends_far_apart() {
    tcp_listener listener = tcp_listener::bind("10.9.0.1", 0);
    tcp_stream far = co_await connect_from_far(listener);
    tcp_stream near = co_await listener.accept();
    co_return ends<tcp_stream>{std::move(near), std::move(far)};
}

/// What a reader of a connection learns of a peer that has gone.
task<std::error_code> end_of(tcp_stream& s) {
    try {
        co_await s.read();
    } catch (const disconnected_error& e) {
        co_return e.code();
    }
    co_return std::error_code();
}

task<> read_forever(tcp_stream s) { co_await read_all(s); }

task<> write_forever(tcp_stream s) {
    std::string const piece(100'000, 'x');
    for (;;) co_await s.write_all(piece);
}

/// Where "host.test" is reached, and how long that has taken.
struct reached {
    address where;
    std::chrono::nanoseconds time{};
};

task<reached> reach(std::string first, std::string second, std::uint16_t port) {
    testing::dns_server server;
    server.answer("host.test", {std::move(first), std::move(second)});
    resolver_config config = testing::only(server);
    config.sort_addresses = false;
    resolver names(config);
    connect_options options;
    options.names = &names;
    auto const start = elapsed();
    tcp_stream const s = co_await tcp_stream::connect("host.test", port, options);
    co_return reached{s.remote_address(), elapsed() - start};
}

}  // namespace

GREEN_TEST("lost packets: a connection takes the family that answers", "[lost]") {
    own_network const network;
    if (!is_there(network)) co_return;
    tcp_listener const v4 = tcp_listener::bind("127.0.0.1", 0);
    std::uint16_t const port = v4.local_address().port();
    // Nobody is there, and nobody says so.
    reached const silent = co_await reach("fd00:9::2", "127.0.0.1", port);
    REQUIRE(silent.where == v4.local_address());
    REQUIRE(silent.time == 250ms);
    // A refusal, and a router that knows no way.
    network.ip("route add unreachable fd00:bad::/64");
    for (const char* const bad : {"::1", "fd00:bad::1"}) {
        reached const at_once = co_await reach(bad, "127.0.0.1", port);
        REQUIRE(at_once.where == v4.local_address());
        REQUIRE(at_once.time < 250ms);
    }
    // IPv6 goes first, also when it is the later one in the answer.
    tcp_listener const v6 = tcp_listener::bind("::1", port);
    reached const first = co_await reach("127.0.0.1", "::1", port);
    REQUIRE(first.where == v6.local_address());
    // IPv4 is lost, IPv6 is not.
    reached const only = co_await reach("10.9.0.2", "::1", port);
    REQUIRE(only.where == v6.local_address());
    connect_options in_time;
    in_time.timeout = 3s;
    std::string const lost =
        co_await error_of_wait<timeout_error>(tcp_stream::connect("fd00:9::2", port, in_time));
    REQUIRE(contains(lost, "fd00:9::2"));
}

GREEN_TEST("lost packets: limits of time hold with a peer that has vanished", "[lost]") {
    own_network const network;
    if (!is_there(network)) co_return;
    auto [near, far] = co_await ends_far_apart();
    co_await far.write_all("last words");
    network.vanish_far();
    std::string const words = co_await read_once(near);
    REQUIRE(words == "last words");
    auto const more = co_await move_on_after(30s, near.read());
    REQUIRE_FALSE(more);
    REQUIRE(elapsed() == 30s);
    std::string const much(32'000'000, 'x');
    std::string const late =
        co_await error_of_wait<timeout_error>(with_timeout(30s, near.write_all(much)));
    REQUIRE(contains(late, "not done after"));
    std::string const broken = co_await error_of_wait<broken_stream_error>(near.write_all("x"));
    REQUIRE(contains(broken, "write tcp 10.9.1.1:"));
    REQUIRE(elapsed() == 60s);
}

GREEN_TEST("lost packets: serve does not wait for peers that have vanished", "[lost]") {
    own_network const network;
    if (!is_there(network)) co_return;
    tcp_listener readers = tcp_listener::bind("10.9.0.1", 0);
    tcp_listener writers = tcp_listener::bind("10.9.0.1", 0);
    std::vector<tcp_stream> peers;
    for (int i = 0; i < 3; ++i) {
        peers.push_back(co_await connect_from_far(readers));
        peers.push_back(co_await connect_from_far(writers));
    }
    serve_options patient;
    patient.grace = 10s;
    auto reading = spawn(serve(readers, &read_forever, patient));
    auto writing = spawn(serve(writers, &write_forever, patient));
    co_await settle();
    network.vanish_far();
    auto const start = elapsed();
    readers.close();
    writers.close();
    for (auto* const h : {&reading, &writing}) {
        serve_report const report = co_await *h;
        REQUIRE(report.cancelled == 3);
    }
    REQUIRE(elapsed() - start == 10s);
}

GREEN_TEST_REAL_CLOCK("lost packets: keep-alive finds out, and so does a user timeout", "[lost]") {
    own_network const network;
    if (!is_there(network)) co_return;
    auto [silent, far] = co_await ends_far_apart();
    auto [talking, further] = co_await ends_far_apart();
    silent.set_keep_alive(keep_alive{1s, 1s, 1});
    talking.set_user_timeout(500ms);
    network.vanish_far();
    co_await talking.write_all("anybody there?");
    auto const unanswered = spawn(end_of(talking));
    std::error_code const dead = co_await end_of(silent);
    REQUIRE(dead == std::errc::timed_out);
    std::error_code const gone = co_await unanswered;
    REQUIRE(gone == std::errc::timed_out);
}
