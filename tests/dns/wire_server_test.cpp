// What the wire engine knows about a server: how much it takes, whether it answers, what it does to the
// case of a name; and whom it does not believe.

#include "dns/wire_probe.hpp"
#include "support/catch.hpp"

#include <green/dns/detail/message_question.hpp>
#include <green/dns/detail/name.hpp>
#include <green/dns/detail/server_health.hpp>
#include <green/dns/detail/wire_window.hpp>

#include <chrono>
#include <deque>
#include <set>
#include <string>
#include <vector>

#include <arpa/inet.h>

using namespace green::test;
using namespace std::chrono_literals;
using green::dns_errc;
using green::detail::server_health;
using green::detail::wire_window;
using green::testing::dns_fault;
using green::testing::dns_server;
using green::testing::dns_tcp;

TEST_CASE(
    "wire_window: doubles until something is lost, then grows by one a round", "[dns][wire]"
) {
    wire_window window(1000);
    CHECK(window.size() == 100);
    for (int i = 0; i < 100; ++i) window.answered();
    CHECK(window.size() == 200);
    for (int i = 0; i < 5000; ++i) window.answered();
    CHECK(window.size() == 1000);

    std::uint64_t number = 0;
    for (int i = 0; i < 1000; ++i) number = window.sent();
    for (int i = 0; i < 100; ++i) window.lost(number);
    CHECK(window.size() == 1000);  // a tenth is bearable
    window.lost(number);
    CHECK(window.size() == 500);
    for (int i = 0; i < 500; ++i) window.lost(number);
    CHECK(window.size() == 500);  // they were sent before it was halved
    for (int i = 0; i < 501; ++i) window.answered();
    CHECK(window.size() == 501);
    for (int round = 0; round < 20; ++round) {
        number = window.sent();
        for (int i = 0; i < 100; ++i) window.lost(number);
    }
    CHECK(window.size() == wire_window::least);
}

TEST_CASE("wire_window: never more than was asked for or fits", "[dns][wire]") {
    wire_window small(3);
    CHECK(small.size() == 3);
    for (int i = 0; i < 100; ++i) small.answered();
    CHECK(small.size() == 3);
    for (int i = 0; i < 10; ++i) small.lost(small.sent());
    CHECK(small.size() == 3);  // the least of a larger one is more
    wire_window large(5000);
    large.fit(92);
    CHECK(large.size() == 92);
    for (int i = 0; i < 5000; ++i) large.answered();
    CHECK(large.size() == 92);
    large.fit(5000);
    for (int i = 0; i < 5000; ++i) large.answered();
    CHECK(large.size() == wire_window::largest);
}

TEST_CASE(
    "server_health: sick after some failures in a row, and asked now and then", "[dns][wire]"
) {
    server_health health;
    green::clock::time_point now(1h);
    for (unsigned i = 1; i < server_health::patience; ++i) CHECK_FALSE(health.failed(now));
    health.answered();
    for (unsigned i = 1; i < server_health::patience; ++i) CHECK_FALSE(health.failed(now));
    CHECK(health.worth_asking(now));
    CHECK(health.failed(now));
    CHECK_FALSE(health.failed(now));
    CHECK(health.sick());
    CHECK_FALSE(health.worth_asking(now));
    now += server_health::rest;
    CHECK(health.worth_asking(now));
    health.asked(now);
    CHECK_FALSE(health.worth_asking(now));
    health.answered();
    CHECK(health.worth_asking(now));
}

TEST_CASE("wire: a case that comes back as it went", "[dns][wire]") {
    std::string name = "a-very-long-name.with0digits." + std::string(60, 'x') + ".test";
    std::vector<std::byte> packet(12);
    packet[5] = std::byte{1};
    char buffer[256];
    auto const bits = green::detail::unforeseeable_bits();
    std::string const mixed(buffer, green::detail::mix_case(name, bits, buffer));
    CHECK(mixed != name);
    CHECK(green::detail::lower_case(mixed) == name);
    for (std::size_t begin = 0, end = 0; end < name.size(); begin = end + 1) {
        end = std::min(name.find('.', begin), name.size());
        packet.push_back(static_cast<std::byte>(end - begin));
        for (std::size_t i = begin; i < end; ++i)
            packet.push_back(static_cast<std::byte>(mixed[i]));
    }
    for (int const b : {0, 0, 1, 0, 1}) packet.push_back(static_cast<std::byte>(b));
    CHECK(green::detail::has_case(packet, bits));
    CHECK_FALSE(green::detail::has_case(packet, bits ^ 0x800));
    auto const number = green::detail::question_number(packet);
    CHECK(number != 0);
    packet[13] ^= std::byte{0x20};
    CHECK_FALSE(green::detail::has_case(packet, bits));
    CHECK(green::detail::question_number(packet) == number);
    for (std::size_t size = 0; size < packet.size(); ++size) {
        CHECK(green::detail::question_number({packet.data(), size}) == 0);
        green::detail::has_case({packet.data(), size}, bits);
    }
}

TEST_CASE("wire: a name with escapes as every c-ares reads it", "[dns][wire]") {
    auto const spelt = [](std::string_view name, std::uint64_t bits) {
        char out[64];
        return std::string(out, green::detail::mix_case(name, bits, out));
    };
    CHECK(spelt("a\\032b\\.c.\\001", 0) == "a b\\.c.\x01");
    CHECK(spelt("a\\032b\\.c", ~0ULL) == "A B\\.C");
    CHECK(spelt("a\\\\065", 0) == "a\\\\065");  // a backslash, and three digits
    CHECK(spelt("\\255", 0) == "\xff");
    for (const char* odd : {"\\", "a\\1", "a\\12"}) CHECK(spelt(odd, 0) == odd);
}

TEST_CASE("wire: what answers no query is dropped, and counted", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    dns_fault const faults[] = {
        dns_fault::wrong_id, dns_fault::wrong_question, dns_fault::cut_short, dns_fault::empty
    };
    for (dns_fault const fault : faults) {
        server.answer(
            "n" + std::to_string(static_cast<int>(fault)) + ".test", {"10.0.0.1"},
            {.forged_first = fault}
        );
    }
    server.answer("*.many.test", {"10.0.0.1"}, {.forged_first = dns_fault::wrong_id});
    server.answer("twice.test", {"10.0.0.1"}, {.copies = 3});
    wire_engine engine(loop, {server.address()}, {.timeout = 20'000ms});
    for (dns_fault const fault : faults) {
        probe query("n" + std::to_string(static_cast<int>(fault)) + ".test");
        engine.start(query, 0);
        loop.run();
        CHECK(query.ips() == "10.0.0.1");
    }
    CHECK(engine.stats().dropped == 4);
    CHECK(server.connections() == 0);
    // Newer versions would close the connection on each and send all in flight again.
    std::deque<probe> all;
    for (int i = 0; i < 300; ++i) {
        engine.start(all.emplace_back("n" + std::to_string(i) + ".many.test"), 0);
    }
    loop.run();
    for (const auto& q : all) REQUIRE(q.ips() == "10.0.0.1");
    CHECK(engine.stats().dropped == 304);
    CHECK(server.queries() == 304);
    for (int i = 0; i < 2; ++i) {
        probe query("twice.test");
        engine.start(query, 0);
        loop.run();
        CHECK(query.ips() == "10.0.0.1");
    }
    CHECK(engine.stats().timed_out == 0);
}

TEST_CASE("wire: a name is asked for in mixed case", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"});
    wire_engine engine(loop, {server.address()});
    std::set<std::string> seen;
    for (int i = 0; i < 5; ++i) {
        probe query("abcdefghijklmnopqrstuvwxyz.test");
        engine.start(query, 0);
        loop.run();
        CHECK(query.ips() == "10.0.0.1");
        seen.insert(server.last_question()->name);
    }
    CHECK(seen.size() == 5);
    CHECK(server.tcp_queries() == 0);
}

TEST_CASE("wire: a server that has a case of its own is asked over TCP once", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"}, {.fault = dns_fault::folded_case});
    wire_engine engine(loop, {server.address()});
    for (int i = 0; i < 3; ++i) {
        probe query("www.example.test");
        engine.start(query, 0);
        loop.run();
        CHECK(query.completions == 1);
        CHECK(query.ips() == "10.0.0.1");
    }
    CHECK(server.queries() == 4);
    CHECK(server.tcp_queries() == 1);
    CHECK(engine.stats().dropped == 0);
    CHECK(server.last_question()->name == "www.example.test");
}

TEST_CASE("wire: the same without TCP is one failure", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"}, {.fault = dns_fault::folded_case, .tcp = dns_tcp::closes});
    wire_engine engine(loop, {server.address()}, {.timeout = 300ms, .tick = 20ms});
    probe query("www.example.test");
    engine.start(query, 0);
    loop.run();
    CHECK(query.completions == 1);
    CHECK(query.error());
    engine.start(query, 0);
    loop.run();
    CHECK(query.ips() == "10.0.0.1");
}

TEST_CASE("wire: an answer that was forged but for the case is asked for over TCP", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"}, {.forged_first = dns_fault::folded_case});
    wire_engine engine(loop, {server.address()});
    for (int i = 0; i < 2; ++i) {
        probe query("www.example.test");
        engine.start(query, 0);
        loop.run();
        CHECK(query.ips() == "10.0.0.1");
    }
    // It is not the server's way: the next one is checked as well.
    CHECK(server.tcp_queries() == 2);
    CHECK(engine.stats().dropped >= 2);
}

TEST_CASE("wire: a server that does not know EDNS is asked without", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"}, {.fault = dns_fault::no_edns});
    wire_engine engine(loop, {server.address()}, {.timeout = 20'000ms});
    std::deque<probe> all;
    for (int i = 0; i < 100; ++i) {
        engine.start(all.emplace_back("n" + std::to_string(i) + ".test"), 0);
    }
    loop.run();
    for (const auto& q : all) REQUIRE(q.ips() == "10.0.0.1");
    auto const before = server.queries();
    CHECK(before <= 200);
    CHECK_FALSE(server.last_question()->edns);
    probe query("www.test");
    engine.start(query, 0);
    loop.run();
    CHECK(query.ips() == "10.0.0.1");
    CHECK(server.queries() == before + 1);
}

TEST_CASE("wire: a forged FORMERR takes EDNS from its own query only", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*.forged.test", {"10.0.0.1"}, {.forged_first = dns_fault::no_edns});
    server.answer("www.test", {"10.0.0.2"});
    wire_engine engine(loop, {server.address()}, {.timeout = 20'000ms});
    for (int i = 0; i < 10; ++i) {
        probe query("n" + std::to_string(i) + ".forged.test");
        engine.start(query, 0);
        loop.run();
        CHECK(query.ips() == "10.0.0.1");
        CHECK_FALSE(server.last_question()->edns);
    }
    CHECK(server.queries() == 20);
    probe query("www.test");
    engine.start(query, 0);
    loop.run();
    CHECK(query.ips() == "10.0.0.2");
    CHECK(server.last_question()->edns);
}

TEST_CASE("wire: what is given up frees its place and never comes back", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.silent("*.silent.test");
    server.answer("*.late.test", {"10.0.0.1"}, {.delay = 30ms});
    server.answer("www.test", {"10.0.0.2"});
    unsigned const places = wire_window::least;  // which losses do not narrow
    wire_engine engine(loop, {server.address()}, {.timeout = 20'000ms, .window = places});
    for (int round = 0; round < 20; ++round) {  // 160 that c-ares has and will not end
        std::deque<probe> lost;
        for (unsigned i = 0; i < places; ++i) engine.start(lost.emplace_back("x.silent.test"), 0);
        REQUIRE(engine.stats().in_flight == places);
        for (auto& q : lost) wire_engine::give_up(q);
        REQUIRE(engine.stats().in_flight == 0);
    }
    std::deque<probe> late;
    for (unsigned i = 0; i < places; ++i) {
        engine.start(late.emplace_back(std::to_string(i) + ".late.test"), 0);
        wire_engine::give_up(late.back());
    }
    probe query("www.test");
    REQUIRE(engine.start(query, 0));
    CHECK_FALSE(query.queued());
    loop.run();
    CHECK(query.ips() == "10.0.0.2");
    probe after("again.late.test");
    engine.start(after, 0);
    loop.run();
    CHECK(after.ips() == "10.0.0.1");
    for (const auto& q : late) CHECK(q.completions == 0);
    CHECK(engine.stats().timed_out == 160 + places);
}

TEST_CASE("wire: a server falls sick while its old sockets are looked at", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.silent("*");
    wire_options options;
    options.timeout = 50ms;
    options.tick = 10ms;
    options.port_queries = 1;  // each query has a socket of its own
    wire_engine engine(loop, {server.address()}, options);
    std::deque<probe> lost;
    for (int i = 0; i < 8; ++i) engine.start(lost.emplace_back("x.silent.test"), 0);
    loop.run();
    for (const auto& q : lost) CHECK(q.status == wire_status::timed_out);
    CHECK(engine.stats().timed_out == 8);
    CHECK(engine.stats().in_flight == 0);
}

TEST_CASE("wire: an answer that is there counts, however late one looks", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"});
    wire_engine engine(loop, {server.address()}, {.timeout = 20'000ms});
    probe query("www.test");
    engine.start(query, 0);
    CHECK_FALSE(wire_engine::has_arrived(query));
    bool arrived = false;
    while (server.queries() == 0) loop.turn();
    for (int i = 0; i < 1000 && !arrived && query.active(); ++i) {
        arrived = wire_engine::has_arrived(query);
    }
    CHECK((arrived || query.completions == 1));
    loop.run();
    CHECK(query.completions == 1);
    CHECK(query.ips() == "10.0.0.1");
}

TEST_CASE("wire: another source port after some queries", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*", {"10.0.0.1"});
    wire_engine engine(loop, {server.address()}, {.port_queries = 10});
    auto const before = open_descriptors();
    std::deque<probe> all;
    for (int i = 0; i < 500; ++i) {
        engine.start(all.emplace_back("n" + std::to_string(i) + ".test"), 0);
    }
    CHECK(open_descriptors() >= before + 8);  // a hundred are in flight
    loop.run();
    for (const auto& q : all) REQUIRE(q.ips() == "10.0.0.1");
    CHECK(server.queries() == 500);
    CHECK(open_descriptors() <= before + 2);
}
