// The scripted server is part of many tests, so that it says what it was told is tested here.

#include <green/testing/dns_server.hpp>

#include "support/catch.hpp"

#include <green/dns/detail/wire.hpp>

#include <uv.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using green::dns_errc;
using green::detail::record_type;
using green::detail::wire_engine;
using green::detail::wire_query;
using green::testing::dns_server;

namespace {

struct loop_with_engine {
    explicit loop_with_engine(dns_server::schedule later = {}) {
        uv_loop_init(&loop);
        server.reset(new dns_server(&loop, std::move(later)));
        engine.reset(new wire_engine(&loop, {server->address()}, {.timeout = 150ms, .tick = 10ms}));
    }
    ~loop_with_engine() {
        engine.reset();
        server.reset();
        uv_run(&loop, UV_RUN_DEFAULT);
        if (uv_loop_close(&loop) != 0) std::abort();
    }

    std::string ask(std::string name, record_type type = record_type::a) {
        wire_query query(std::move(name), type, [](wire_query&) noexcept {});
        engine->start(query, 0);
        uv_run(&loop, UV_RUN_DEFAULT);
        if (const auto error = wire_error(query)) return std::string(to_string(*error));
        std::string out;
        for (const auto& a : query.answer.addresses) out += (out.empty() ? "" : " ") + a.ip();
        return out;
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
    t.server->silent("a.test", {.family = 6});
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
