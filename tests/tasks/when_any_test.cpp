#include <green/tasks/when_any.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"
#include "support/tasks.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace {

using namespace green;
using namespace green_test;

GREEN_TEST("when_any: ready at once", "[when_any]") {
    auto const immediate = []() -> task<int> { co_return 1; };
    std::variant<int, std::monostate> const r = co_await when_any(immediate(), sleep_for(1h));
    REQUIRE(r.index() == 0);
    REQUIRE(std::get<0>(r) == 1);
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("when_any gives the first that ends, and says which it was", "[when_any]") {
    auto const r = co_await when_any(value_after(1, 5ms), sleep_for(2ms), value_after(3, 3ms));
    REQUIRE(r.index() == 1);
    REQUIRE(elapsed() == 2ms);
    auto const pointer = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); };
    auto p = co_await when_any(pointer());
    REQUIRE(*std::get<0>(p) == 4);
}

GREEN_TEST("of those that end at one instant the first in argument order wins", "[when_any]") {
    auto const r = co_await when_any(sleep_for(2ms), sleep_for(2ms), sleep_for(2ms));
    REQUIRE(r.index() == 0);
}

// rule 5
GREEN_TEST("the losers are cancelled and waited for", "[when_any]") {
    census frames;
    recorder log;
    auto const loser = [&](std::chrono::nanoseconds cleanup) -> task<int> {
        tracker const t(frames);
        co_await shield(sleep_for(cleanup));
        co_await sleep_for(1h);
        log.note("never");
        co_return 1;
    };
    auto const r = co_await when_any(loser(3ms), value_after(2, 1ms), loser(6ms));
    REQUIRE(r.index() == 1);
    REQUIRE(elapsed() == 6ms);
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
}

GREEN_TEST("a failure that is first is thrown", "[when_any]") {
    census frames;
    auto const loser = [&]() -> task<int> {
        tracker const t(frames);
        co_await sleep_for(1h);
        co_return 1;
    };
    std::string error;
    try {
        co_await when_any(loser(), fails_after("first", 1ms));
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "first");
    REQUIRE(frames.clean());
}

GREEN_TEST("a loser that fails on its way out is not dropped", "[when_any]") {
    gate refuses(gate::when_cancelled::refuses);
    auto const loser = [&]() -> task<int> {
        co_await refuses.wait();
        throw std::runtime_error("on its way out");
    };
    auto const opener = spawn([&]() -> task<> {
        co_await sleep_for(2ms);
        refuses.open();
    });
    std::string error;
    try {
        co_await when_any(value_after(1, 1ms), loser());
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "on its way out");
    REQUIRE(elapsed() == 2ms);
}

GREEN_TEST("when_any: cancelled before it starts, no child begins", "[when_any]") {
    recorder log;
    auto const child = [&]() -> task<> {
        log.note("never");
        co_return;
    };
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        co_await when_any(child(), child());
        log.note("never");
    });
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text().empty());
}

GREEN_TEST("when_any: cancelled while it waits, unwinds when the last has ended", "[when_any]") {
    census frames;
    auto const child = [&](std::chrono::nanoseconds cleanup) -> task<> {
        tracker const t(frames);
        co_await shield(sleep_for(cleanup));
        co_await sleep_for(1h);
    };
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await when_any(child(2ms), child(8ms));
    });
    co_await sleep_for(4ms);
    h.cancel();
    co_await h.join();
    REQUIRE(elapsed() == 8ms);
    REQUIRE(h.cancelled());
    REQUIRE(frames.clean());
}

// rule 2
GREEN_TEST("when_any: completed and cancelled in one turn, the result wins", "[when_any]") {
    recorder log;
    gate g;
    auto h = spawn([&]() -> task<> {
        auto const r = co_await when_any(sleep_for(1h), g.wait());
        log.note(std::to_string(r.index()) + ":" + std::to_string(std::get<1>(r)));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    g.open(2);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "1:2");
    REQUIRE(h.cancelled());
}

// rule 2: what could not be stopped and brought a value all the same is not thrown away.
GREEN_TEST("when_any: a value that comes in spite of the cancel is the result", "[when_any]") {
    recorder log;
    gate refuses(gate::when_cancelled::refuses);
    auto h = spawn([&]() -> task<> {
        auto const r = co_await when_any(sleep_for(1h), refuses.wait());
        log.stamp(std::to_string(r.index()) + ":" + std::to_string(std::get<1>(r)));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    h.cancel();
    co_await sleep_for(1ms);
    refuses.open(2);
    co_await h.join();
    REQUIRE(log.text() == "1:2@2");
    REQUIRE(h.cancelled());
}

TEST_CASE("when_any: destroyed by the end of the run", "[when_any]") {
    census frames;
    auto const child = [&]() -> task<int> {
        tracker const t(frames);
        co_await sleep_for(1h);
        co_return 1;
    };
    auto const parent = [&]() -> task<> {
        tracker const t(frames);
        co_await when_any(child(), child());
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(parent);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 3);
    });
    REQUIRE(frames.clean());
}

}  // namespace
