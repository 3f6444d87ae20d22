#include <green/dns/resolver.hpp>

#include "dns/addresses.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/dns/default_resolver.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>
#include <green/testing/dns_server.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

using namespace green;
using namespace std::chrono_literals;
using green::testing::dns_fault;
using green::testing::dns_server;
using green::testing::only;
using green_test::elapsed;
using green_test::text;

namespace {

/// How a lookup ends: its addresses, or the words of the error.
task<std::string> outcome(resolver& r, std::string host, lookup_options options = {}) {
    try {
        auto const found = co_await r.resolve(std::move(host), 0, options);
        co_return text(found);
    } catch (const dns_error& e) {
        co_return e.what();
    }
}

struct temporary_file {
    explicit temporary_file(const std::string& content)
        : path((std::filesystem::temp_directory_path() /
                ("green-hosts-" + std::to_string(::getpid())))
                   .string()) {
        std::ofstream(path) << content;
    }
    ~temporary_file() { std::remove(path.c_str()); }
    std::string path;
};

}  // namespace

GREEN_TEST("resolver: both families, IPv4 first, with the port", "[resolver]") {
    dns_server server;
    server.answer("www.example.test", {"2001:db8::1", "192.0.2.1", "192.0.2.2"});
    resolver r(only(server));
    auto const found = co_await r.resolve("WWW.example.test.", 80);
    REQUIRE(text(found) == "192.0.2.1:80 192.0.2.2:80 [2001:db8::1]:80");
    auto const six = co_await r.resolve("www.example.test", 0, {.family = 6});
    REQUIRE(text(six) == "2001:db8::1");
}

GREEN_TEST("resolver: literals and localhost never reach a server", "[resolver]") {
    dns_server server;
    resolver r(only(server));
    for (const char* host : {"192.0.2.7", "::1", "localhost", "a.localhost", "LOCALHOST."}) {
        auto const found = co_await r.resolve(host, 0);
        REQUIRE_FALSE(found.empty());
    }
    REQUIRE(server.queries() == 0);
    REQUIRE(r.stats().from_hosts == 5);
}

// conformance 234
GREEN_TEST("resolver: what cannot be a name gives one clear error each", "[resolver]") {
    dns_server server;
    resolver r(only(server));
    std::string const long_name(300, 'a');
    for (const std::string& host : std::vector<std::string>{
             "", "a..b", long_name, "\xff\xfe", "10.1", "x y", "a.onion", std::string("a\0b", 3)
         }) {
        std::string const said = co_await outcome(r, host);
        INFO(said);
        REQUIRE(said.starts_with("resolve "));
        REQUIRE((said.find("bad_name") != said.npos || said.find("not_found") != said.npos));
        REQUIRE(said.size() < 200);
    }
    REQUIRE(server.queries() == 0);
}

// conformance 230
GREEN_TEST("resolver: one family that fails or is silent does not cost the other", "[resolver]") {
    dns_server server;
    server.answer("four.example.test", {"192.0.2.1"});
    server.answer("slow6.example.test", {"192.0.2.2"}, {.type = testing::type_a});
    server.silent("slow6.example.test", {.type = testing::type_aaaa});
    server.answer("bad6.example.test", {"192.0.2.3"}, {.type = testing::type_a});
    server.fail("bad6.example.test", 2, {.type = testing::type_aaaa});
    resolver r(only(server));
    std::string const four = co_await outcome(r, "four.example.test");
    REQUIRE(four == "192.0.2.1");
    std::string const slow = co_await outcome(r, "slow6.example.test");
    REQUIRE(slow == "192.0.2.2");
    std::string const bad = co_await outcome(r, "bad6.example.test");
    REQUIRE(bad == "192.0.2.3");
}

GREEN_TEST("resolver: errors say what happened", "[resolver]") {
    dns_server server;
    server.no_data("empty.example.test");
    server.fail("broken.example.test", 2);
    server.fail("closed.example.test", 5);
    server.silent("silent.example.test");
    resolver_config config = only(server);
    config.tries = 3;
    resolver r(config);
    std::string const at = server.address().to_string();
    std::string said = co_await outcome(r, "none.example.test");
    REQUIRE(said == "resolve none.example.test: not_found (server " + at + ")");
    said = co_await outcome(r, "empty.example.test");
    REQUIRE(said == "resolve empty.example.test: no_data (server " + at + ")");
    said = co_await outcome(r, "broken.example.test");
    REQUIRE(said == "resolve broken.example.test: server_failure (server " + at + ")");
    said = co_await outcome(r, "closed.example.test");
    REQUIRE(said == "resolve closed.example.test: refused (server " + at + ")");
    auto const start = now();
    said = co_await outcome(r, "silent.example.test");
    REQUIRE(said == "resolve silent.example.test: timeout after 3 tries (server " + at + ")");
    // conformance 224: tries of 1, 2 and 4 s, each up to a fifth longer
    REQUIRE(now() - start > 7s);
    REQUIRE(now() - start < 8400ms);
}

GREEN_TEST("resolver: no server configured, none that answers", "[resolver]") {
    resolver none{resolver_config{}};
    std::string said = co_await outcome(none, "x.example.test");
    REQUIRE(said == "resolve x.example.test: no_servers (none is configured)");
}

GREEN_TEST("resolver: a lost answer is asked for again, at the next server", "[resolver]") {
    dns_server first;
    dns_server second;
    first.silent("www.example.test");
    second.answer("www.example.test", {"192.0.2.9"});
    resolver_config config;
    config.servers = {first.address(), second.address()};
    resolver r(config);
    std::string const said = co_await outcome(r, "www.example.test", {.family = 4});
    REQUIRE(said == "192.0.2.9");
    REQUIRE(elapsed() >= 1s);
    REQUIRE(elapsed() < 1200ms);
}

GREEN_TEST("resolver: a lookup's own limit", "[resolver]") {
    dns_server server;
    server.silent("silent.example.test");
    resolver r(only(server));
    std::string const said = co_await outcome(r, "silent.example.test", {.timeout = 250ms});
    REQUIRE(
        said ==
        "resolve silent.example.test: timeout after 1 try (the lookup's own limit; server " +
            server.address().to_string() + ")"
    );
    REQUIRE(elapsed() == 250ms);
}

// conformance 225
GREEN_TEST("resolver: cancelled lookups leave the resolver usable", "[resolver]") {
    dns_server server;
    server.answer("slow.example.test", {"192.0.2.1"}, {.delay = 500ms});
    server.answer("fast.example.test", {"192.0.2.2"});
    resolver r(only(server));
    std::vector<join_handle<std::string>> jobs;
    for (int i = 0; i < 20; ++i) jobs.push_back(spawn(outcome(r, "slow.example.test")));
    co_await sleep_for(100ms);
    co_await killall(jobs);
    REQUIRE(elapsed() == 100ms);
    std::string const said = co_await outcome(r, "fast.example.test");
    REQUIRE(said == "192.0.2.2");
}

// conformance 238
GREEN_TEST(
    "resolver: equal questions are one query, one caller's cancel leaves the other", "[resolver]"
) {
    dns_server server;
    server.answer("www.example.test", {"192.0.2.1"}, {.delay = 100ms});
    resolver r(only(server));
    auto a = spawn(outcome(r, "www.example.test", {.family = 4}));
    auto b = spawn(outcome(r, "www.example.test", {.family = 4}));
    co_await sleep_for(10ms);
    a.cancel();
    std::string const said = co_await b;
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.queries("www.example.test") == 1);
    REQUIRE(r.stats().shared == 1);
}

// conformance 214
GREEN_TEST(
    "resolver: thousands at once, none lost, never more in flight than the window", "[resolver]"
) {
    dns_server server;
    server.answer("*.bulk.test", {"192.0.2.1"});
    resolver_config config = only(server);
    config.max_in_flight = 50;
    resolver r(config);
    std::vector<join_handle<std::string>> jobs;
    for (int i = 0; i < 3000; ++i) {
        jobs.push_back(spawn(outcome(r, "n" + std::to_string(i) + ".bulk.test", {.family = 4})));
    }
    co_await joinall(jobs);
    for (auto& j : jobs) REQUIRE(j.value() == "192.0.2.1");
    REQUIRE(server.queries() == 3000);
    REQUIRE(r.stats().timed_out == 0);
}

// conformance 229
GREEN_TEST("resolver: a truncated answer goes on over TCP", "[resolver]") {
    dns_server server;
    server.answer("big.example.test", {"192.0.2.1"}, {.truncated = true});
    resolver r(only(server));
    std::string const said = co_await outcome(r, "big.example.test", {.family = 4});
    REQUIRE(said == "192.0.2.1");
    REQUIRE(server.tcp_queries() == 1);
}

// conformance 232
GREEN_TEST("resolver: search list and ndots", "[resolver]") {
    dns_server server;
    server.answer("db.two.test", {"192.0.2.2"});
    server.answer("db.one.test.two.test", {"192.0.2.3"});
    resolver_config config = only(server);
    config.search = {"one.test", "two.test"};
    resolver r(config);
    std::string said = co_await outcome(r, "db", {.family = 4});
    REQUIRE(said == "192.0.2.2");
    REQUIRE(server.queries("db.one.test") == 1);
    said = co_await outcome(r, "db.", {.family = 4});  // absolute
    REQUIRE(said.find("not_found") != said.npos);
    said = co_await outcome(r, "db.one.test", {.family = 4});  // as it is first
    REQUIRE(said == "192.0.2.3");
}

// conformance 233
GREEN_TEST("resolver: the hosts file comes first and is read again when it changes", "[resolver]") {
    temporary_file hosts("192.0.2.50 box.example.test Box\n192.0.2.51 box.example.test\n");
    dns_server server;
    server.answer("box.example.test", {"192.0.2.99"});
    resolver_config config = only(server);
    config.hosts_path = hosts.path;
    resolver r(config);
    std::string said = co_await outcome(r, "BOX.example.test");
    REQUIRE(said == "192.0.2.50 192.0.2.51");
    said = co_await outcome(r, "box.example.test", {.family = 6});
    REQUIRE(said.find("no_data") != said.npos);
    REQUIRE(server.queries() == 0);

    std::ofstream(hosts.path
    ) << "# nothing here any more, and longer than before: a new size, too\n";
    co_await sleep_for(6s);
    said = co_await outcome(r, "box.example.test", {.family = 4});
    REQUIRE(said == "192.0.2.99");
}

GREEN_TEST("resolver: what answers no question is dropped and counted", "[resolver]") {
    dns_server server;
    server.answer("id.example.test", {"192.0.2.1"}, {.forged_first = dns_fault::wrong_id});
    server.answer("other.example.test", {"192.0.2.1"}, {.forged_first = dns_fault::wrong_question});
    resolver r(only(server));
    for (const char* host : {"id.example.test", "other.example.test"}) {
        std::string const said = co_await outcome(r, host, {.family = 4});
        REQUIRE(said == "192.0.2.1");
    }
    REQUIRE(r.stats().dropped == 2);
    REQUIRE(r.stats().sent == 2);
}

GREEN_TEST("resolver: a family that is none is an error of the program", "[resolver]") {
    dns_server server;
    resolver r(only(server));
    for (int const family : {-1, 5, 46}) {
        auto lookup = co_await as_result(r.resolve("www.example.test", 0, {.family = family}));
        REQUIRE_THROWS_AS(lookup.value(), std::invalid_argument);
    }
    REQUIRE(server.queries() == 0);
}

GREEN_TEST("resolver: garbage is an error, not a crash", "[resolver]") {
    dns_server server;
    server.garbage("bad.example.test", "\xc0\xff\x01\x02");
    resolver_config config = only(server);
    config.tries = 2;
    resolver r(config);
    std::string const said = co_await outcome(r, "bad.example.test", {.family = 4});
    INFO(said);
    REQUIRE((said.find("bad_answer") != said.npos || said.find("timeout") != said.npos));
}

GREEN_TEST("resolver: destroyed with lookups in flight", "[resolver]") {
    dns_server server;
    server.silent("*");
    auto r = std::make_unique<resolver>(only(server));
    std::vector<join_handle<std::string>> jobs;
    for (int i = 0; i < 500; ++i) {
        jobs.push_back(spawn(outcome(*r, "n" + std::to_string(i) + ".example.test")));
    }
    co_await sleep_for(10ms);
    r.reset();
    co_await joinall(jobs);
    for (auto& j : jobs) REQUIRE_THROWS_AS(j.result(), closed_error);
}

// conformance 228
TEST_CASE(
    "resolver: a run ends with lookups in flight, and the resolver outlives it", "[resolver]"
) {
    std::unique_ptr<resolver> r;
    run(run_options{.virtual_time = true}, [&]() -> task<> {
        dns_server server;
        server.silent("*");
        r = std::make_unique<resolver>(only(server));
        for (int i = 0; i < 100; ++i) {
            spawn(outcome(*r, "n" + std::to_string(i) + ".example.test"));
        }
        co_await sleep_for(1ms);
    });
    r.reset();
}

GREEN_TEST("gethostbyname, getaddrinfo: the default resolver", "[resolver]") {
    dns_server server;
    server.answer("www.example.test", {"2001:db8::1", "192.0.2.1"});
    set_default_resolver(resolver(only(server)));
    std::string const ip = co_await gethostbyname("www.example.test");
    REQUIRE(ip == "192.0.2.1");
    auto const found = co_await getaddrinfo("www.example.test", 443);
    REQUIRE(text(found) == "192.0.2.1:443 [2001:db8::1]:443");
}
