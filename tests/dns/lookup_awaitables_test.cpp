// What holds for every lookup of a resolver, whatever it looks up: that of names for addresses, of the
// steps of a lookup, and of records as that of addresses (resolver_cache_test.cpp).

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/dns/default_resolver.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/testing/dns_server.hpp>

#include <string>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using green::testing::dns_server;
using green::testing::only;
using green_test::elapsed;

namespace {

const address known = address::parse("192.0.2.1");
const address here = address::parse("127.0.0.1");

/// Something to await, of the default resolver: what is known on this machine, or what its servers say.
struct operation {
    const char* name;
    task<std::string> (*awaitable)(bool local);
    const char* said_here;
    const char* said;
};

task<std::string> reverse(bool local) { return default_resolver().reverse(local ? here : known); }

task<std::string> name_info(bool local) { return getnameinfo(local ? here : known); }

task<std::string> explain(bool local) {
    lookup_options options;
    options.family = 4;
    auto const trace =
        co_await default_resolver().explain(local ? "localhost" : "www.test", options);
    std::string const& end = trace.steps.back().text;
    co_return trace.answered ? end.substr(0, end.find(' ')) : end;
}

task<std::string> texts(bool local) {
    auto const ips = co_await default_resolver().query<a>(local ? "localhost" : "www.test");
    co_return ips.front().address.to_string();
}

const operation operations[] = {
    {"reverse", reverse, "localhost", "host.test"},
    {"getnameinfo", name_info, "localhost", "host.test"},
    {"explain", explain, "127.0.0.1", "192.0.2.1"},
    {"query", texts, "127.0.0.1", "192.0.2.1"},
};

/// Answers after 5 ms.
void answer_late(dns_server& server) {
    using green::testing::ptr_record;
    server.answer("www.test", {"192.0.2.1"}, {.delay = 5ms});
    server.records("1.2.0.192.in-addr.arpa", {ptr_record("host.test")}, {.delay = 5ms});
    set_default_resolver(resolver(only(server)));
}

/// The one that is told first cancels the other one.
task<> cancel_when_answered(const operation& op, join_handle<std::string>& other) {
    co_await op.awaitable(false);
    other.cancel();
}

}  // namespace

TEST_CASE("lookups: one can be made before there is a loop", "[resolver]") {
    auto const found = run(getaddrinfo("127.0.0.1", 80));
    REQUIRE(found == std::vector<address>{address::parse("127.0.0.1", 80)});
}

GREEN_TEST("lookups: ready at once; and suspended until the answer is there", "[resolver]") {
    for (const operation& op : operations) {
        dns_server server;
        answer_late(server);
        auto const start = now();
        std::string said = co_await op.awaitable(true);
        INFO(op.name);
        REQUIRE(said == op.said_here);
        REQUIRE(now() == start);
        REQUIRE(server.queries() == 0);
        said = co_await op.awaitable(false);
        REQUIRE(said == op.said);
        REQUIRE(now() - start >= 5ms);
        REQUIRE(server.queries() == 1);
    }
}

GREEN_TEST("lookups: cancelled before they start, and while they wait", "[resolver]") {
    for (const operation& op : operations) {
        dns_server server;
        answer_late(server);
        auto unstarted = spawn(op.awaitable(false));
        unstarted.cancel();
        co_await unstarted.join();
        INFO(op.name);
        REQUIRE(unstarted.cancelled());
        REQUIRE(server.queries() == 0);

        auto waiting = spawn(op.awaitable(false));
        auto other = spawn(op.awaitable(false));
        co_await sleep_for(1ms);
        waiting.cancel();
        co_await waiting.join();
        REQUIRE(waiting.cancelled());
        std::string const said = co_await other;
        REQUIRE(said == op.said);
        REQUIRE(server.queries() == 1);
    }
}

GREEN_TEST("lookups: an answer beats a cancel in the same turn", "[resolver]") {
    for (const operation& op : operations) {
        dns_server server;
        answer_late(server);
        join_handle<std::string> second;
        auto first = spawn(cancel_when_answered(op, second));
        second = spawn(op.awaitable(false));
        co_await first;
        std::string const said = co_await second;
        INFO(op.name);
        REQUIRE(said == op.said);
    }
}

TEST_CASE("lookups: the end of the run ends those that wait", "[resolver]") {
    std::vector<join_handle<std::string>> left;
    for (const operation& op : operations) {
        run(green_test::virtual_clock(), [&]() -> task<> {
            dns_server server;
            server.silent("*");
            set_default_resolver(resolver(only(server)));
            left.push_back(spawn(op.awaitable(false)));
            co_await sleep_for(1ms);
        });
    }
    CHECK(left.size() == std::size(operations));
}
