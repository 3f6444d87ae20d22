#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/dns/detail/lookup_cache.hpp>
#include <green/dns/resolver.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/dns_server.hpp>

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <unistd.h>

using namespace green;
using namespace std::chrono_literals;
using green::detail::dns_answer;
using green::detail::lookup_cache;
using green::detail::question_key;
using green::detail::record_type;
using green::testing::dns_reply;
using green::testing::dns_server;
using green::testing::only;
using green_test::elapsed;

namespace {

/// The IPv4 addresses of a host, or the code of the error.
task<std::string> four(resolver& r, std::string host, bool use_cache = true) {
    lookup_options options;
    options.family = 4;
    options.use_cache = use_cache;
    try {
        auto const found = co_await r.resolve(std::move(host), 0, options);
        std::string text;
        for (const address& ip : found) text += (text.empty() ? "" : " ") + ip.ip();
        co_return text;
    } catch (const dns_error& e) {
        co_return std::string(to_string(e.code()));
    }
}

dns_answer positive(std::uint32_t ttl) {
    dns_answer answer;
    green::detail::dns_records records;
    records.addresses = {address::parse("192.0.2.1")};
    answer.records = std::make_shared<const green::detail::dns_records>(std::move(records));
    answer.ttl = ttl;
    return answer;
}

constexpr clock::time_point at(std::chrono::seconds s) { return clock::time_point(s); }

}  // namespace

TEST_CASE("lookup_cache: clamps, negative answers without a SOA, and the least used", "[cache]") {
    lookup_cache cache({.entries = 2, .min_ttl = 5s, .max_ttl = 100s});
    question_key const one("one", record_type::a);
    question_key const two("two", record_type::a);
    question_key const three("three", record_type::a);
    cache.store(one, positive(1), at(0s));
    cache.store(two, positive(1000), at(0s));
    CHECK(cache.find(one, at(4s)).left == 1s);
    CHECK(cache.find(two, at(99s)).age == 99s);
    CHECK_FALSE(cache.find(one, at(5s)).answer);
    CHECK_FALSE(cache.find(two, at(100s)).answer);
    CHECK(cache.size() == 0);
    CHECK_FALSE(cache.find({"one", record_type::aaaa}, at(0s)).answer);

    dns_answer negative;
    negative.error = dns_errc::not_found;
    cache.store(one, negative, at(0s));
    CHECK(cache.size() == 0);
    negative.ttl = 1'000'000;
    lookup_cache unclamped({.max_ttl = forever});
    unclamped.store(one, negative, at(0s));
    CHECK(unclamped.find(one, at(10'799s)).answer);
    CHECK_FALSE(unclamped.find(one, at(10'800s)).answer);

    cache.store(one, positive(50), at(0s));
    cache.store(two, positive(50), at(0s));
    CHECK(cache.find(one, at(1s)).answer);
    cache.store(three, positive(50), at(1s));
    CHECK_FALSE(cache.find(two, at(1s)).answer);
    CHECK(cache.find(one, at(1s)).answer);
    CHECK(cache.counts().evictions == 1);
    cache.clear();
    CHECK(cache.size() == 0);
}

TEST_CASE("lookup_cache: thousands come and go", "[cache]") {
    lookup_cache cache({.entries = 500});
    std::vector<std::string> names;
    for (int i = 0; i < 2000; ++i) names.push_back("n" + std::to_string(i));
    for (int round = 0; round < 3; ++round) {
        for (const std::string& name : names) {
            question_key const key(name, record_type::a);
            cache.store(key, positive(static_cast<std::uint32_t>(1 + round)), at(0s));
            REQUIRE(cache.find(key, at(0s)).answer);
        }
        for (const std::string& name : names) {
            bool const kept = name >= names[1500] && name.size() == 5;
            REQUIRE((cache.find({name, record_type::a}, at(0s)).answer != nullptr) == kept);
        }
        for (const std::string& name : names)
            static_cast<void>(cache.find({name, record_type::a}, at(9s)));
        REQUIRE(cache.size() == 0);
    }
}

GREEN_TEST("cache: an answer holds for its TTL, and no longer", "[cache]") {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1", "2001:db8::1"}, {.ttl = 60});
    resolver r(only(server));
    std::string said = co_await four(r, "www.example.test");
    REQUIRE(said == "192.0.2.1");
    co_await sleep_for(59s);
    auto const before = now();
    said = co_await four(r, "WWW.example.test.");
    REQUIRE(said == "192.0.2.1");
    REQUIRE(now() == before);
    REQUIRE(server.queries() == 1);
    auto const records = co_await r.query<a>("www.example.test");
    REQUIRE(records.front().ttl <= 1s);
    co_await sleep_for(2s);
    said = co_await four(r, "www.example.test");
    REQUIRE(server.queries() == 2);
    said = co_await four(r, "www.example.test", false);
    REQUIRE(server.queries() == 3);
    r.clear_cache();
    said = co_await four(r, "www.example.test");
    REQUIRE(server.queries() == 4);
    REQUIRE(r.stats().cache_hits == 2);
    REQUIRE(r.stats().cache_entries == 1);

    resolver_config without = only(server);
    without.cache_entries = 0;
    resolver none(without);
    said = co_await four(none, "www.example.test");
    said = co_await four(none, "www.example.test");
    REQUIRE(server.queries() == 6);
}

GREEN_TEST("cache: a hit does not suspend", "[cache]") {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1", "2001:db8::1"});
    resolver r(only(server));
    auto found = co_await r.resolve("www.example.test");
    bool other_ran = false;
    auto const other = [&]() -> task<> {
        other_ran = true;
        co_return;
    };
    auto const h = spawn(other);
    found = co_await r.resolve("www.example.test", 80);
    REQUIRE_FALSE(other_ran);
    REQUIRE(found.size() == 2);
    REQUIRE(found.back().to_string() == "[2001:db8::1]:80");
    co_await h.join();
}

GREEN_TEST("cache: what does not exist is known for as long as its SOA says", "[cache]") {
    dns_server server;
    server.no_data("empty.example.test", {.ttl = 30});
    server.not_found("gone.example.test", {.soa = false});
    resolver_config config = only(server);
    config.search = {"one.test", "example.test"};
    resolver r(config);
    for (int i = 0; i < 3; ++i) {
        std::string said = co_await four(r, "empty");
        REQUIRE(said == "no_data");
    }
    REQUIRE(server.queries("empty.one.test") == 1);  // a search candidate as any other
    REQUIRE(server.queries("empty.example.test") == 1);
    REQUIRE(r.stats().cache_negative_hits == 6);
    co_await sleep_for(31s);
    std::string said = co_await four(r, "empty");
    REQUIRE(server.queries("empty.example.test") == 2);
    for (int i = 0; i < 2; ++i) said = co_await four(r, "gone.example.test.");
    REQUIRE(said == "not_found");
    REQUIRE(server.queries("gone.example.test") == 2);
}

GREEN_TEST("cache: a failure is not asked for again for a second, except on purpose", "[cache]") {
    dns_server server;
    server.fail("broken.example.test", 2);
    resolver_config config = only(server);
    config.tries = 1;
    resolver r(config);
    std::string said = co_await four(r, "broken.example.test");
    said = co_await four(r, "broken.example.test");
    REQUIRE(said == "server_failure");
    REQUIRE(server.queries() == 1);
    said = co_await four(r, "broken.example.test", false);
    REQUIRE(server.queries() == 2);
    co_await sleep_for(2s);
    said = co_await four(r, "broken.example.test");
    REQUIRE(server.queries() == 3);
}

// RFC 8767
GREEN_TEST("cache: a stale answer is given at once while a new one is asked for", "[cache]") {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1"}, {.ttl = 10});
    resolver_config config = only(server);
    config.cache_stale = 1h;
    config.tries = 1;
    resolver r(config);
    std::string said = co_await four(r, "www.example.test");
    server.fail("www.example.test", 2);
    co_await sleep_for(20s);
    for (int i = 0; i < 3; ++i) {
        said = co_await four(r, "www.example.test");
        REQUIRE(said == "192.0.2.1");
        co_await sleep_for(10ms);
    }
    REQUIRE(server.queries() == 2);  // a failure does not replace it, and is not repeated at once
    server.answer("www.example.test", {"192.0.2.2"}, {.ttl = 10});
    co_await sleep_for(5s);
    said = co_await four(r, "www.example.test");
    REQUIRE(said == "192.0.2.1");
    co_await sleep_for(100ms);
    said = co_await four(r, "www.example.test");
    REQUIRE(said == "192.0.2.2");
    REQUIRE(r.stats().cache_stale_hits == 4);
    co_await sleep_for(2h);
    said = co_await four(r, "www.example.test");
    REQUIRE(r.stats().cache_stale_hits == 4);
}

GREEN_TEST(
    "single-flight: a thousand lookups, one query; the cache for all later ones", "[cache]"
) {
    dns_server server;
    server.answer("*.bulk.test", {"192.0.2.1"}, {.delay = 20ms});
    resolver r(only(server));
    std::vector<join_handle<std::string>> jobs;
    for (int i = 0; i < 1000; ++i) {
        jobs.push_back(spawn(four(r, "n" + std::to_string(i % 10) + ".bulk.test")));
    }
    co_await joinall(jobs);
    for (auto& j : jobs) REQUIRE(j.value() == "192.0.2.1");
    REQUIRE(server.queries() == 10);
    REQUIRE(r.stats().shared == 990);
    std::string const said = co_await four(r, "n3.bulk.test");
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.queries() == 10);
}

// conformance 225
GREEN_TEST(
    "single-flight: who leaves last leaves a query to the cache, or out of the line", "[cache]"
) {
    dns_server server;
    server.answer("*.example.test", {"192.0.2.1"}, {.delay = 100ms});
    resolver_config config = only(server);
    config.max_in_flight = 1;
    resolver r(config);
    auto sent = spawn(four(r, "sent.example.test"));
    auto queued = spawn(four(r, "queued.example.test"));
    co_await sleep_for(10ms);
    REQUIRE(r.stats().queued == 1);
    sent.cancel();
    queued.cancel();
    co_await sleep_for(1ms);
    REQUIRE(r.stats().queued == 0);
    REQUIRE(r.stats().in_flight == 1);
    co_await sleep_for(200ms);
    std::string const said = co_await four(r, "sent.example.test");
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.queries("sent.example.test") == 1);
    REQUIRE(server.queries("queued.example.test") == 0);
}

GREEN_TEST(
    "lookup: completes and is cancelled in one turn, cancelled before it starts", "[cache]"
) {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1"}, {.delay = 10ms});
    resolver r(only(server));
    auto before = spawn(four(r, "www.example.test"));
    before.cancel();
    co_await before.join();
    REQUIRE(before.cancelled());
    REQUIRE(server.queries() == 0);
    std::string got;
    auto const body = [&]() -> task<> {
        got = co_await four(r, "www.example.test");
        co_await sleep_for(1s);
        got = "never";
    };
    auto h = spawn(body);
    while (r.stats().cache_entries == 0) co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE((got == "192.0.2.1" || got.empty()));
    std::string const said = co_await four(r, "www.example.test");
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.queries() == 1);
}

GREEN_TEST("lookup: the second family has a little time once the first is there", "[cache]") {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1"}, {.type = testing::type_a});
    server.answer(
        "www.example.test", {"2001:db8::1"}, {.type = testing::type_aaaa, .delay = 700ms}
    );
    server.answer("late.example.test", {"192.0.2.1"}, {.type = testing::type_a});
    server.silent("late.example.test", {.type = testing::type_aaaa});
    resolver_config config = only(server);
    config.family_delay = 400ms;
    resolver r(config);
    auto found = co_await r.resolve("late.example.test");
    REQUIRE(found.size() == 1);
    REQUIRE(elapsed() >= 400ms);
    REQUIRE(elapsed() < 1s);
    co_await sleep_for(5s);
    auto const start = now();
    found = co_await r.resolve("late.example.test");  // the first from the cache
    REQUIRE(found.size() == 1);
    REQUIRE(now() - start == 400ms);
    found = co_await r.resolve("www.example.test");
    REQUIRE(found.size() == 1);
    co_await sleep_for(1s);
    found = co_await r.resolve("www.example.test");  // it came into the cache meanwhile
    REQUIRE(found.size() == 2);
}

GREEN_TEST("resolver: closed and destroyed from inside a lookup's task", "[cache]") {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1"}, {.delay = 5ms});
    server.silent("*");
    auto r = std::make_unique<resolver>(only(server));
    auto const ends_it = [&]() -> task<> {
        co_await r->resolve("www.example.test");
        r.reset();
    };
    auto const h = spawn(ends_it);
    std::vector<join_handle<std::string>> jobs;
    for (int i = 0; i < 2000; ++i) {
        jobs.push_back(spawn(four(*r, "n" + std::to_string(i) + ".example.test")));
    }
    co_await h;
    co_await joinall(jobs);
    for (auto& j : jobs) REQUIRE_THROWS_AS(j.result(), closed_error);
}

// conformance 236
GREEN_TEST(
    "resolver: follows resolv.conf; lookups in flight stay with the old servers", "[cache]"
) {
    std::string const path = "/tmp/green-resolv-" + std::to_string(::getpid());
    dns_server server;
    server.answer("slow.one.test", {"192.0.2.1"}, {.delay = 7s});
    server.answer("db.one.test", {"192.0.2.1"});
    server.answer("db.two.test", {"192.0.2.2"});
    std::ofstream(path) << "nameserver 127.0.0.1\nsearch one.test\noptions timeout:10\n";
    resolver_config config = resolver_config::from_files(path);
    config.servers = {server.address()};  // the program's own: resolv.conf has no say in it
    config.local_families_only = false;
    resolver r(config);
    std::string said = co_await four(r, "db");
    REQUIRE(said == "192.0.2.1");
    auto slow = spawn(four(r, "slow"));
    co_await sleep_for(1ms);
    std::ofstream(path) << "nameserver 127.0.0.1\nsearch two.test\n# longer than it was before\n";
    co_await sleep_for(6s);
    said = co_await four(r, "db");
    REQUIRE(said == "192.0.2.2");
    REQUIRE(r.config().search == std::vector<std::string>{"two.test"});
    REQUIRE(r.config().servers.front() == server.address());
    REQUIRE(r.stats().cache_entries == 2);  // the same servers: what they said still holds
    said = co_await slow;
    REQUIRE(said == "192.0.2.1");
    REQUIRE(r.stats().sent == 3);
    ::unlink(path.c_str());
}

GREEN_TEST("explain: every step of a lookup, in words", "[explain]") {
    dns_server server;
    server.answer("db.two.test", {"192.0.2.1"}, {.ttl = 60, .delay = 5ms});
    resolver_config config = only(server);
    config.search = {"one.test", "two.test"};
    config.tries = 2;
    resolver r(config);
    lookup_options options;
    options.family = 4;
    lookup_trace trace = co_await r.explain("db", options);
    std::string text = trace.to_string();
    INFO(text);
    REQUIRE(trace.answered);
    REQUIRE(trace.took >= 5ms);
    REQUIRE(text.starts_with("db\n├─ an ordinary name: db\n"));
    REQUIRE(text.find("├─ name to ask for: db.one.test\n│  ├─ A: not in the cache\n") != text.npos);
    REQUIRE(text.find("A: not_found") != text.npos);
    REQUIRE(text.find(server.address().to_string()) != text.npos);
    REQUIRE(text.find("\n└─ 192.0.2.1 after ") != text.npos);
    trace = co_await r.explain("db", options);
    text = trace.to_string();
    REQUIRE(text.find("A: in the cache, 1 address, ttl 60 s, 0 s old, ") != text.npos);
    server.silent("silent.test");
    trace = co_await r.explain("silent.test", options);
    REQUIRE_FALSE(trace.answered);
    text = trace.to_string();
    INFO(text);
    REQUIRE(text.find("timeout after 2 tries") != text.npos);
    REQUIRE(
        text.find("│     ├─ try 1 at " + server.address().to_string() + ": timeout, 1.") !=
        text.npos
    );
}
