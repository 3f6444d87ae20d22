// The scripted server is part of many tests, so that it says what it was told is tested here.

#include <green/testing/dns_server.hpp>

#include "dns/wire_probe.hpp"
#include "support/catch.hpp"

#include <uv.h>

#include <csignal>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using green::dns_errc;
using green::detail::record_type;
using green::detail::wire_engine;
using green::testing::dns_fault;
using green::testing::dns_question;
using green::testing::dns_reply;
using green::testing::dns_server;
using green::testing::dns_tcp;
using green::testing::rcode_refused;
using green::testing::rcode_server_failure;

namespace {

struct loop_with_engine {
    explicit loop_with_engine(dns_server::schedule later = {}) {
        std::signal(SIGPIPE, SIG_IGN);
        uv_loop_init(&loop);
        server.reset(new dns_server(&loop, std::move(later)));
        engine.reset(new wire_engine(
            &loop, {server->address()}, {.timeout = 150ms, .tick = 10ms, .mix_case = false}
        ));
    }
    ~loop_with_engine() {
        engine.reset();
        server.reset();
        uv_run(&loop, UV_RUN_DEFAULT);
        if (uv_loop_close(&loop) != 0) std::abort();
    }

    /// The addresses, or the words of the error.
    std::string ask(std::string name, record_type type = record_type::a) {
        green::test::probe query(std::move(name), type);
        engine->start(query, 0);
        uv_run(&loop, UV_RUN_DEFAULT);
        if (const auto error = query.error()) return std::string(to_string(*error));
        return query.ips();
    }

    uv_loop_t loop;
    std::unique_ptr<dns_server> server;
    std::unique_ptr<wire_engine> engine;
};

}  // namespace

TEST_CASE("dns_server: rules, zones and the default", "[dns][server]") {
    loop_with_engine t;
    auto& server = *t.server;
    CHECK(t.ask("any.test") == "not_found");
    server.answer("*", {"10.0.0.1"});
    server.answer("*.zone.test", {"10.0.0.2"});
    server.answer("a.zone.test", {"10.0.0.3"});
    CHECK(t.ask("any.test") == "10.0.0.1");
    CHECK(t.ask("zone.test") == "10.0.0.1");
    CHECK(t.ask("b.zone.test") == "10.0.0.2");
    CHECK(t.ask("c.b.zone.test") == "10.0.0.2");
    CHECK(t.ask("A.ZONE.test") == "10.0.0.3");
    CHECK(t.ask("a.zone.test", record_type::aaaa) == "no_data");
    server.answer("a.zone.test", {"10.0.0.4"});
    CHECK(t.ask("a.zone.test") == "10.0.0.4");
    CHECK(server.queries("A.zone.TEST") == 3);
    CHECK(server.queries("a.zone.test", green::testing::type_aaaa) == 1);
    CHECK(server.queries() == 8);
    server.reset_counters();
    CHECK(server.queries() == 0);
}

TEST_CASE("dns_server: one family may behave differently", "[dns][server]") {
    loop_with_engine t;
    t.server->answer("a.test", {"10.0.0.1", "::1"});
    t.server->silent("a.test", {.type = green::testing::type_aaaa});
    CHECK(t.ask("a.test") == "10.0.0.1");
    CHECK(t.ask("a.test", record_type::aaaa) == "timeout");
}

TEST_CASE("dns_server: lost replies and alias loops", "[dns][server]") {
    loop_with_engine t;
    t.server->answer("a.test", {"10.0.0.1"}, {.lose = 2});
    CHECK(t.ask("a.test") == "timeout");
    CHECK(t.ask("a.test") == "timeout");
    CHECK(t.ask("a.test") == "10.0.0.1");
    t.server->alias("x.test", "y.test");
    t.server->alias("y.test", "x.test");
    CHECK(t.ask("x.test") == "bad_answer");
    t.server->alias("z.test", "nowhere.test");
    CHECK(t.ask("z.test") == "not_found");
}

TEST_CASE("dns_server: delays go through the hook", "[dns][server]") {
    std::vector<std::pair<std::chrono::nanoseconds, std::function<void()>>> later;
    loop_with_engine t([&](std::chrono::nanoseconds delay, std::function<void()> run) {
        later.emplace_back(delay, std::move(run));
    });
    t.server->answer("a.test", {"10.0.0.1"}, {.delay = 42ms});
    CHECK(t.ask("a.test") == "timeout");
    REQUIRE(later.size() == 1);
    CHECK(later[0].first == 42ms);
    CHECK(t.server->unanswered() == 1);
    later[0].second();
    CHECK(t.server->unanswered() == 0);
    // Late, for a server that is gone.
    CHECK(t.ask("a.test") == "timeout");
    t.server.reset();
    later[1].second();
}

TEST_CASE("dns_server: a reply for each try, by name and type", "[dns][server]") {
    loop_with_engine t;
    t.server->script(
        "*.flaky.test",
        {dns_reply::fail(rcode_server_failure), dns_reply::fail(rcode_refused),
         dns_reply::not_found(), dns_reply::answer({"10.0.0.1", "::1"})}
    );
    CHECK(t.ask("a.flaky.test") == "server_failure");
    CHECK(t.ask("a.flaky.test") == "refused");
    CHECK(t.ask("a.flaky.test", record_type::aaaa) == "server_failure");
    CHECK(t.ask("b.flaky.test") == "server_failure");
    CHECK(t.ask("a.flaky.test") == "not_found");
    for (int i = 0; i < 2; ++i) CHECK(t.ask("a.flaky.test") == "10.0.0.1");
    CHECK_THROWS_AS(t.server->script("a.test", {}), std::invalid_argument);
}

TEST_CASE("dns_server: TCP behind a truncated reply is the same try", "[dns][server]") {
    loop_with_engine t;
    t.server->script(
        "a.test",
        {dns_reply::answer({"10.0.0.1"}, {.truncated = true}),
         dns_reply::answer({"10.0.0.2"}, {.truncated = true, .tcp = dns_tcp::in_pieces}),
         dns_reply::answer({"10.0.0.3"})}
    );
    CHECK(t.ask("a.test") == "10.0.0.1");
    CHECK(t.ask("a.test") == "10.0.0.2");
    CHECK(t.ask("a.test") == "10.0.0.3");
    CHECK(t.server->tcp_queries() == 2);
    // How often it is asked again over TCP is up to the version of c-ares.
    t.server->answer("closes.test", {"10.0.0.4"}, {.truncated = true, .tcp = dns_tcp::closes});
    t.server->answer(
        "half.test", {"10.0.0.5"}, {.truncated = true, .tcp = dns_tcp::closes_half_way}
    );
    CHECK(t.ask("closes.test") != "10.0.0.4");
    CHECK(t.ask("half.test") != "10.0.0.5");
    CHECK(t.server->connections() >= 2);
}

TEST_CASE("dns_server: what is too long for UDP is truncated", "[dns][server]") {
    loop_with_engine t;
    std::vector<std::string> many;
    for (int i = 0; i < 200; ++i) many.push_back("10.0.1." + std::to_string(i));
    t.server->answer("many.test", many);
    CHECK(t.ask("many.test").size() > 200 * 8);
    CHECK(t.server->queries("many.test") == 2);
    CHECK(t.server->tcp_queries() == 1);
}

TEST_CASE("dns_server: forged and broken datagrams", "[dns][server]") {
    loop_with_engine t;
    const auto forged = [&](dns_fault fault) {
        t.server->answer("a.test", {"10.0.0.1"}, {.forged_first = fault});
        return t.ask("a.test");
    };
    CHECK(forged(dns_fault::wrong_id) == "10.0.0.1");
    CHECK(forged(dns_fault::wrong_question) == "10.0.0.1");
    CHECK(t.server->queries() == 2);
    const auto faulty = [&](dns_fault fault) {
        t.server->answer("a.test", {"10.0.0.1"}, {.fault = fault});
        return t.ask("a.test");
    };
    CHECK(faulty(dns_fault::wrong_id) == "timeout");
    CHECK(faulty(dns_fault::no_edns) != "timeout");
    CHECK(faulty(dns_fault::none) == "10.0.0.1");
    t.server->answer("a.test", {"10.0.0.1"}, {.copies = 3});
    CHECK(t.ask("a.test") == "10.0.0.1");
}

TEST_CASE("dns_server: computed replies, and every third lost", "[dns][server]") {
    loop_with_engine t;
    t.server->script("*.number.test", {dns_reply::computed([](const dns_question& q) {
                         return dns_reply::answer({"10.0.0." + q.name.substr(0, 1)});
                     })});
    CHECK(t.ask("3.number.test") == "10.0.0.3");
    CHECK(t.ask("4.NUMBER.test") == "10.0.0.4");
    CHECK(t.server->last_question()->name == "4.NUMBER.test");
    t.server->lose_every(3);
    CHECK(t.ask("5.number.test") == "timeout");
    CHECK(t.ask("5.number.test") == "10.0.0.5");
    CHECK(t.server->unanswered() == 1);
}

TEST_CASE("dns_server: at an address and port of one's choice", "[dns][server]") {
    uv_loop_t loop;
    uv_loop_init(&loop);
    {
        dns_server first(&loop, {}, green::address::parse("127.0.0.2"));
        CHECK(first.address().ip() == "127.0.0.2");
        CHECK_THROWS_AS(dns_server(&loop, {}, first.address()), std::system_error);
    }
    uv_run(&loop, UV_RUN_DEFAULT);
    CHECK(uv_loop_close(&loop) == 0);
}

TEST_CASE("dns_server: packets as they stand on the wire", "[dns][server]") {
    using green::testing::dns_record;
    const auto hex = [](const dns_record& record) {
        std::string out = std::to_string(record.type) + ":";
        for (const std::byte b : record.data) {
            out += "0123456789abcdef"[std::to_integer<int>(b >> 4)];
            out += "0123456789abcdef"[std::to_integer<int>(b & std::byte{15})];
        }
        return out;
    };
    using namespace green::testing;
    CHECK(hex(address_record(green::address::parse("1.2.3.4"))) == "1:01020304");
    CHECK(
        hex(ns_record("a.bc")) ==
        "2:0161026263"
        "00"
    );
    CHECK(hex(mx_record(258, "")) == "15:010200");
    CHECK(hex(txt_record({"a", ""})) == "16:016100");
    CHECK(hex(srv_record(1, 2, 3, "a")) == "33:000100020003016100");
    CHECK(hex(naptr_record(1, 2, "u", "s", "", "")) == "35:00010002017501730000");
    CHECK(hex(tlsa_record(3, 1, 1, to_bytes("x"))) == "52:03010178");
    CHECK(hex(svcb_record(type_https, 1, "")) == "65:000100");
    CHECK(
        hex(caa_record(0, "issue", "ca")) ==
        "257:00056973737565"
        "6361"
    );
    CHECK_THROWS_AS(txt_record({std::string(256, 'x')}), std::length_error);
    CHECK_THROWS_AS(wire_name(std::string(64, 'x')), std::length_error);
}
