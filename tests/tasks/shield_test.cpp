#include <green/tasks/shield.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_any.hpp>

#include <stdexcept>
#include <string>

namespace {

using namespace green;
using namespace green_test;

task<int> value_after(int n, std::chrono::nanoseconds d) {
    co_await sleep_for(d);
    co_return n;
}

GREEN_TEST("shield gives what it awaits", "[shield]") {
    auto const immediate = []() -> task<int> { co_return 1; };
    int n = co_await shield(immediate());
    REQUIRE(n == 1);
    n = co_await shield(value_after(2, 5ms));
    REQUIRE(n == 2);
    gate g;
    g.open(3);
    n = co_await shield(g.wait());
    REQUIRE(n == 3);
    auto const fails = []() -> task<> {
        co_await yield();
        throw std::runtime_error("inside");
    };
    std::string error;
    try {
        co_await shield(fails());
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "inside");
}

// conformance 265
GREEN_TEST("a shield holds a cancel back; it takes effect at the next suspension", "[shield]") {
    recorder log;
    auto h = spawn([&]() -> task<> {
        int const n = co_await shield(value_after(1, 10ms));
        log.stamp(std::to_string(n));
        REQUIRE(this_task::cancel_requested());
        co_await sleep_for(1ms);
        log.note("never");
    });
    co_await sleep_for(1ms);
    h.cancel();
    REQUIRE_FALSE(h.done());
    co_await h.join();
    REQUIRE(log.text() == "1@10");
    REQUIRE(h.cancelled());
    REQUIRE(elapsed() == 10ms);
}

GREEN_TEST("shield runs although a cancel was pending before", "[shield]") {
    recorder log;
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        co_await shield(sleep_for(5ms));
        log.stamp("through");
        co_await yield();
        log.note("never");
    });
    co_await h.join();
    REQUIRE(log.text() == "through@5");
    REQUIRE(h.cancelled());
}

GREEN_TEST("shields nest", "[shield]") {
    recorder log;
    auto const inner = [&]() -> task<> {
        co_await shield(sleep_for(1ms));
        log.stamp("inner");
        co_await sleep_for(1ms);  // still under the outer one
        log.stamp("outer");
    };
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        co_await shield(inner());
        co_await yield();
        log.note("never");
    });
    co_await h.join();
    REQUIRE(log.text() == "inner@1 outer@2");
}

// conformance 265
GREEN_TEST("a limit inside a shield works, one outside waits", "[shield]") {
    recorder log;
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        bool const in_time = co_await shield(move_on_after(5ms, sleep_for(1h)));
        log.stamp(in_time ? "in time" : "late");
    });
    co_await h.join();
    REQUIRE(log.text() == "late@5");
    bool const outer = co_await move_on_after(1ms, shield(sleep_for(5ms)));
    REQUIRE(outer);  // it came through: a value, though late
    REQUIRE(elapsed() == 10ms);
}

GREEN_TEST("a group inside a shield is not cancelled either", "[shield]") {
    recorder log;
    auto const child = [&]() -> task<> {
        co_await sleep_for(5ms);
        log.stamp("child");
    };
    auto h = spawn([&]() -> task<> {
        co_await shield(with_group([&](task_group& g) -> task<> {
            g.spawn(child);
            co_await sleep_for(3ms);
            log.stamp("body");
        }));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "body@3 child@5");
    REQUIRE(h.cancelled());
}

// conformance 266: for asyncio's shield, where the waiter leaves and the work goes on, green has
// spawn and a handle.
GREEN_TEST("a cancelled wait for a handle leaves the work", "[shield]") {
    auto const work = spawn(value_after(5, 5ms));
    auto waiter = spawn([&]() -> task<> { co_await work; });
    co_await sleep_for(1ms);
    waiter.cancel();
    co_await waiter.join();
    REQUIRE(elapsed() == 1ms);
    int const n = co_await work;
    REQUIRE(n == 5);
}

GREEN_TEST("a shielded loser holds when_any up until it is through", "[shield]") {
    auto const r = co_await when_any(sleep_for(1ms), shield(sleep_for(5ms)));
    REQUIRE(r.index() == 0);
    REQUIRE(elapsed() == 5ms);
}

TEST_CASE("shield: destroyed by the end of the run", "[shield]") {
    census frames;
    auto const body = [&]() -> task<> {
        tracker const t(frames);
        co_await shield(sleep_for(1h));
    };
    run_options options = virtual_clock();
    options.shutdown_grace = 10ms;
    run(options, [&]() -> task<> {
        spawn(body);
        co_await sleep_for(1ms);
    });
    REQUIRE(frames.clean());
}

}  // namespace
