// How a resolver goes on when servers do not answer: when it asks again, and whom. On the virtual clock.

#include "dns/addresses.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/dns/detail/server_health.hpp>
#include <green/dns/resolver.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/dns_server.hpp>

#include <optional>
#include <string>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using green::testing::dns_fault;
using green::testing::dns_reply;
using green::testing::dns_server;
using green::testing::only;
using green::testing::rcode_refused;
using green::testing::rcode_server_failure;
using green_test::elapsed;

namespace {

/// How a lookup for IPv4 ends: its addresses, or the words of the error.
task<std::string> outcome(resolver& r, std::string host) {
    lookup_options options;
    options.family = 4;
    options.use_cache = false;
    try {
        auto const found = co_await r.resolve(std::move(host), 0, options);
        co_return green_test::text(found);
    } catch (const dns_error& e) {
        co_return e.what();
    }
}

task<std::size_t> answered(resolver& r, std::size_t count, std::string zone) {
    std::vector<join_handle<std::string>> lookups;
    for (std::size_t i = 0; i < count; ++i) {
        lookups.push_back(spawn(outcome(r, "n" + std::to_string(i) + "." + zone)));
    }
    std::size_t found = 0;
    for (auto& lookup : lookups) {
        auto const said = co_await lookup;
        found += said == "192.0.2.1";
    }
    co_return found;
}

resolver_config both(const dns_server& first, const dns_server& second) {
    resolver_config config;
    config.servers = {first.address(), second.address()};
    return config;
}

}  // namespace

GREEN_TEST(
    "retry: each try waits twice as long, up to four times, with jitter", "[resolver][retry]"
) {
    dns_server server;
    server.silent("*");
    resolver_config config = only(server);
    config.tries = 5;
    resolver r(config);
    co_await outcome(r, "silent.test");
    REQUIRE(server.queries() == 5);
    REQUIRE(elapsed() > 15s);
    REQUIRE(elapsed() < 18s);
}

GREEN_TEST("retry: an answer after the last try but one", "[resolver][retry]") {
    dns_server server;
    server.script(
        "flaky.test",
        {dns_reply::silent(), dns_reply::fail(rcode_server_failure), dns_reply::fail(rcode_refused),
         dns_reply::answer({"192.0.2.1"})}
    );
    resolver r(only(server));
    auto const said = co_await outcome(r, "flaky.test");
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.queries() == 4);
}

GREEN_TEST("retry: one of two servers fails", "[resolver][retry]") {
    for (int const rcode : {rcode_server_failure, rcode_refused}) {
        dns_server bad;
        dns_server good;
        bad.fail("*", rcode);
        good.answer("*", {"192.0.2.1"});
        resolver r(both(bad, good));
        auto const start = now();
        std::size_t const found = co_await answered(r, 20, "test");
        REQUIRE(found == 20);
        REQUIRE(now() == start);  // nobody waits for the other one's timeout
    }
}

// Envoy, 4543 and 9899: a resolver that gave a server up for good.
GREEN_TEST(
    "retry: a server that goes is set aside, and used again when it is back", "[resolver][retry]"
) {
    std::optional<dns_server> first(std::in_place);
    dns_server second;
    auto const where = first->address();
    second.answer("*", {"192.0.2.2"});
    resolver r(both(*first, second));
    first.reset();
    for (unsigned i = 0; i < detail::server_health::patience; ++i) {
        auto const said = co_await outcome(r, "www.test");
        REQUIRE(said == "192.0.2.2");
    }
    auto sent = r.stats().sent;
    auto said = co_await outcome(r, "www.test");
    REQUIRE(r.stats().sent == sent + 1);  // only the one that is well
    first.emplace(where);
    first->answer("*", {"192.0.2.1"});
    said = co_await outcome(r, "www.test");
    REQUIRE(said == "192.0.2.2");
    co_await sleep_for(detail::server_health::rest);
    said = co_await outcome(r, "www.test");
    REQUIRE(said == "192.0.2.1");
    said = co_await outcome(r, "www.test");
    REQUIRE(said == "192.0.2.1");
}

GREEN_TEST("retry: the only server goes and comes back while it is asked", "[resolver][retry]") {
    std::optional<dns_server> server(std::in_place);
    auto const where = server->address();
    resolver_config config = only(*server);
    config.tries = 6;
    resolver r(config);
    server.reset();
    auto lookup = spawn(outcome(r, "www.test"));
    co_await sleep_for(500ms);
    server.emplace(where);
    server->answer("*", {"192.0.2.1"});
    auto const said = co_await lookup;
    REQUIRE(said == "192.0.2.1");
}

GREEN_TEST("retry: all servers are sick and asked all the same", "[resolver][retry]") {
    dns_server first;
    dns_server second;
    first.silent("*");
    second.silent("*");
    resolver r(both(first, second));
    co_await answered(r, 20, "test");
    first.answer("*", {"192.0.2.1"});
    auto const said = co_await outcome(r, "www.test");
    REQUIRE(said == "192.0.2.1");
}

GREEN_TEST("retry: queries that are never answered do not narrow the window", "[resolver][retry]") {
    dns_server server;
    server.silent("*.silent.test");
    server.answer("*.test", {"192.0.2.1"});
    resolver_config config = only(server);
    config.max_in_flight = 10;
    config.tries = 1;
    resolver r(config);
    std::size_t found = co_await answered(r, 60, "silent.test");
    REQUIRE(found == 0);
    REQUIRE(r.stats().in_flight == 0);
    found = co_await answered(r, 300, "test");
    REQUIRE(found == 300);
}

GREEN_TEST("retry: ten thousand at once are sent once each", "[resolver][retry]") {
    dns_server server;
    server.answer("*", {"192.0.2.1"});
    resolver r(only(server));
    std::size_t const found = co_await answered(r, 10'000, "test");
    REQUIRE(found == 10'000);
    REQUIRE(server.queries() == 10'000);
    REQUIRE(server.most_unanswered() <= 100);
}

// At 65 537 in flight c-ares 1.34 never returns.
GREEN_TEST("retry: seventy thousand may wait, and be forgotten", "[resolver][retry]") {
    dns_server server;
    server.silent("*");
    std::optional<resolver> r(std::in_place, only(server));
    std::vector<join_handle<std::string>> lookups;
    for (int i = 0; i < 70'000; ++i) {
        lookups.push_back(spawn(outcome(*r, "n" + std::to_string(i) + ".test")));
    }
    while (r->stats().queued < 69'900) co_await yield();
    co_await killall(lookups);
    REQUIRE(r->stats().queued == 0);
    r.reset();
}

// conformance 237
GREEN_TEST("retry: sixty tries at a closed port", "[resolver][retry]") {
    resolver_config config;
    config.servers = {address::parse("127.77.77.77:1")};
    config.tries = 60;
    resolver r(config);
    auto const said = co_await outcome(r, "www.test");
    REQUIRE(said.find("no_servers") != said.npos);
    REQUIRE(r.stats().sent == 60);
}

GREEN_TEST("retry: a server that learns EDNS is asked with it again", "[resolver]") {
    dns_server server;
    server.answer("*", {"192.0.2.1"}, {.fault = dns_fault::no_edns});
    resolver r(only(server));
    std::size_t const all = co_await answered(r, 100, "old.test");
    REQUIRE(all == 100);
    server.reset_counters();
    auto said = co_await outcome(r, "www.test");
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.queries() == 1);  // without, at once

    co_await sleep_for(detail::server_health::rest);
    said = co_await outcome(r, "www.test");
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.queries() == 3);  // with, in vain
    said = co_await outcome(r, "www.test");
    REQUIRE(server.queries() == 4);

    server.answer("*", {"192.0.2.1"});
    co_await sleep_for(detail::server_health::rest);
    for (int i = 0; i < 2; ++i) {
        said = co_await outcome(r, "www.test");
        REQUIRE(said == "192.0.2.1");
        REQUIRE(server.last_question()->edns);
    }
}
