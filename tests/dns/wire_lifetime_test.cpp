#include "dns/wire_probe.hpp"
#include "support/catch.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace green::test;
using namespace green::testing;
using namespace std::chrono_literals;
using green::address;

// conformance 237
TEST_CASE("wire: retrying in the completion does not grow the stack", "[dns][wire]") {
    test_loop loop;
    wire_engine engine(loop, {closed_port()}, {.timeout = 1000ms});
    probe query("www.test");
    int left = 3000;
    query.then = [&](probe& p) {
        if (--left > 0) engine.start(p, 0);
    };
    engine.start(query, 0);
    loop.run();
    CHECK(left == 0);
    CHECK(query.completions == 3000);
}

TEST_CASE("wire: a name that cannot be encoded fails, but never inside start", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    wire_engine engine(loop, {server.address()});
    probe query("a..b");
    REQUIRE(engine.start(query, 0));
    CHECK(query.completions == 0);
    CHECK(query.active());
    loop.run();
    CHECK(query.completions == 1);
    CHECK(query.status == wire_status::bad_name);
    CHECK(server.queries() == 0);

    probe given_up("a..b");
    engine.start(given_up, 0);
    wire_engine::abandon(given_up);
    loop.run();
    CHECK(given_up.completions == 0);
}

// conformance 225 226
TEST_CASE("wire: abandoned in every state", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*.test", {"10.0.0.1"}, {.delay = 10ms});
    wire_engine engine(loop, {server.address()}, {.window = 1});
    auto in_flight = std::make_unique<probe>("flight.test");
    auto queued = std::make_unique<probe>("queued.test");
    probe last("last.test");
    engine.start(*in_flight, 0);
    engine.start(*queued, 0);
    engine.start(last, 0);
    CHECK(queued->queued());
    queued.reset();  // leaves the FIFO: is never sent
    in_flight.reset();  // runs on alone; its answer touches nothing
    CHECK(engine.stats().in_flight == 1);
    CHECK(engine.stats().queued == 1);
    loop.run();
    CHECK(last.ips() == "10.0.0.1");
    CHECK(server.queries("flight.test") == 1);
    CHECK(server.queries("queued.test") == 0);
    CHECK(engine.stats().in_flight == 0);

    // Answered, but another completion is faster: no completion comes.
    server.answer("*.test", {"10.0.0.1"});
    wire_engine wide(loop, {server.address()});
    std::deque<probe> all;
    for (int i = 0; i < 10; ++i) {
        auto& q = all.emplace_back("b" + std::to_string(i) + ".test");
        q.then = [&all](probe& self) {
            for (auto& other : all) {
                if (&other != &self) wire_engine::abandon(other);
            }
        };
        wide.start(q, 0);
    }
    loop.run();
    int completions = 0;
    for (const auto& q : all) completions += q.completions;
    CHECK(completions == 1);

    probe idle("idle.test");
    wire_engine::abandon(idle);
    CHECK(engine.stats().abandoned == 2);
}

TEST_CASE("wire: only what is waited for keeps the loop alive", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.silent("*");
    wire_engine engine(loop, {server.address()}, {.timeout = 60s});
    CHECK(uv_loop_alive(loop) == 0);
    probe query("www.test");
    engine.start(query, 0);
    CHECK(uv_loop_alive(loop) != 0);
    wire_engine::abandon(query);
    CHECK(uv_loop_alive(loop) == 0);
    loop.run();  // returns at once although c-ares still waits for an answer
    CHECK(engine.stats().in_flight == 1);
    engine.start(query, 0);
    CHECK(uv_loop_alive(loop) != 0);
    wire_engine::abandon(query);
}

TEST_CASE("wire: a completion may do anything", "[dns][wire]") {
    test_loop loop;
    dns_server server(loop);
    server.answer("*.test", {"10.0.0.1"});
    auto engine = std::make_unique<wire_engine>(
        loop, std::vector<address>{server.address()}, wire_options{.window = 4}
    );
    int completions = 0;

    SECTION("start another") {
        std::deque<probe> all;
        std::function<void(probe&)> next = [&](probe&) {
            if (++completions >= 2000) return;
            auto& q = all.emplace_back("n" + std::to_string(completions) + ".test");
            q.then = next;
            engine->start(q, 0);
        };
        probe first("first.test");
        first.then = next;
        engine->start(first, 0);
        loop.run();
        CHECK(completions == 2000);
    }
    SECTION("destroy itself") {
        std::vector<std::unique_ptr<probe>> all(100);
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = std::make_unique<probe>("n" + std::to_string(i) + ".test");
            all[i]->then = [&, i](probe&) {
                ++completions;
                all[i].reset();
            };
            engine->start(*all[i], 0);
        }
        loop.run();
        CHECK(completions == 100);
    }
    SECTION("destroy the engine") {
        std::deque<probe> all;
        for (int i = 0; i < 100; ++i) {
            auto& q = all.emplace_back("n" + std::to_string(i) + ".test");
            q.then = [&](probe&) {
                if (++completions == 3) engine.reset();
            };
            engine->start(q, 0);
        }
        loop.run();
        CHECK(completions == 3);
        for (const auto& q : all) CHECK_FALSE(q.active());
    }
    SECTION("close the engine") {
        std::deque<probe> all;
        int closed = 0;
        for (int i = 0; i < 100; ++i) {
            auto& q = all.emplace_back("n" + std::to_string(i) + ".test");
            q.then = [&](probe& p) {
                ++completions;
                if (p.status == wire_status::closed) {
                    ++closed;
                    CHECK_FALSE(engine->start(p, 0));
                } else if (completions == 3) {
                    engine->close();
                }
            };
            engine->start(q, 0);
        }
        loop.run();
        CHECK(completions == 100);
        CHECK(closed > 90);
    }
}

// conformance 226 228
TEST_CASE("wire: closed and destroyed with thousands in flight", "[dns][wire]") {
    const auto before = open_descriptors();
    for (const bool close_first : {false, true}) {
        for (const int turns : {0, 1, 5}) {
            std::deque<probe> all;
            test_loop loop;
            dns_server server(loop);
            server.answer("*.test", {"10.0.0.1"}, {.delay = 1ms});
            server.answer("*.tcp.test", {"10.0.0.1"}, {.truncated = true});
            std::optional<wire_engine> engine;
            engine.emplace(
                loop, std::vector<address>(4, server.address()),
                wire_options{.window = 1000, .receive_buffer = 4 << 20}
            );
            for (int i = 0; i < 6000; ++i) {
                const auto zone = i % 3 == 0 ? ".tcp.test" : ".test";
                engine->start(
                    all.emplace_back("n" + std::to_string(i) + zone),
                    static_cast<std::size_t>(i % 4)
                );
            }
            for (int i = 0; i < turns; ++i) uv_run(loop, UV_RUN_NOWAIT);
            std::size_t before_close = 0;
            for (const auto& q : all) before_close += static_cast<std::size_t>(q.completions);
            int closed = 0;
            if (close_first) {
                engine->close([](void* count) noexcept { ++*static_cast<int*>(count); }, &closed);
                engine->close();
                std::size_t ended = 0;
                for (const auto& q : all) {
                    ended += static_cast<std::size_t>(q.completions);
                    REQUIRE(q.completions == 1);
                    REQUIRE_FALSE(q.active());
                }
                CHECK(ended == all.size());
                CHECK(closed == 0);
                CHECK(engine->stats().in_flight == 0);
                loop.run();
                CHECK(closed == 1);
                probe late("late.test");
                CHECK_FALSE(engine->start(late, 0));
                CHECK_FALSE(late.active());
                engine.reset();
            } else {
                engine.reset();
                std::size_t ended = 0;
                for (const auto& q : all) {
                    ended += static_cast<std::size_t>(q.completions);
                    REQUIRE_FALSE(q.active());
                }
                CHECK(ended == before_close);
                loop.run();
            }
        }
    }
    CHECK(open_descriptors() == before);
}

TEST_CASE("wire: a server that dies at any time takes nobody with it", "[dns][wire]") {
    test_loop loop;
    auto server = std::make_unique<dns_server>(loop);
    server->answer("*.test", {"10.0.0.1"}, {.delay = 2ms});
    server->answer("*.tcp.test", {"10.0.0.1"}, {.delay = 2ms, .truncated = true});
    wire_engine engine(loop, {server->address()}, {.timeout = 200ms, .tick = 20ms});
    std::deque<probe> all;
    for (int i = 0; i < 300; ++i) {
        const auto zone = i % 2 == 0 ? ".tcp.test" : ".test";
        auto& q = all.emplace_back("n" + std::to_string(i) + zone);
        q.then = [&](probe&) { server.reset(); };
        engine.start(q, 0);
    }
    loop.run();
    for (const auto& q : all) CHECK(q.completions == 1);
}
