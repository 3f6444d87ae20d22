#include <green/tasks/joinall.hpp>

#include "support/green_test.hpp"
#include "support/tasks.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <array>
#include <list>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

std::string values(const std::vector<join_handle<int>>& handles) {
    std::string text;
    for (const auto& h : handles) text += (h.value() ? std::to_string(*h.value()) : "-") + " ";
    return text;
}

using handles = std::vector<join_handle<int>>;

// conformance 150
GREEN_TEST("joinall of nothing returns at once", "[joinall]") {
    handles const none;
    auto const done = co_await joinall(none);
    REQUIRE(done.empty());
    auto const timed = co_await joinall(none, 1h);
    REQUIRE(timed.empty());
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("joinall: ready at once", "[joinall]") {
    handles const both{spawn(value_after(1, 2ms)), spawn(value_after(2, 1ms))};
    co_await sleep_for(5ms);
    auto const done = co_await joinall(both);
    REQUIRE(values(done) == "2 1 ");  // in the order in which they ended
    REQUIRE(elapsed() == 5ms);
}

GREEN_TEST("joinall waits for all, and gives them in the order in which they ended", "[joinall]") {
    handles const all_of_them{
        spawn(value_after(1, 3ms)), spawn(value_after(2, 1ms)), spawn(value_after(3, 2ms))
    };
    auto const done = co_await joinall(all_of_them);
    REQUIRE(values(done) == "2 3 1 ");
    REQUIRE(elapsed() == 3ms);
}

// conformance 146
GREEN_TEST("joinall with a timeout gives the finished ones; the others run on", "[joinall]") {
    handles const both{spawn(value_after(1, 10ms)), spawn(value_after(2, 1ms))};
    auto const done = co_await joinall(both, 5ms);
    REQUIRE(values(done) == "2 ");
    REQUIRE(elapsed() == 5ms);
    REQUIRE(values(both) == "- 2 ");
    auto const rest = co_await joinall(both, 5ms);  // the end wins the tie
    REQUIRE(values(rest) == "2 1 ");
    REQUIRE(elapsed() == 10ms);
}

GREEN_TEST("joinall with no time looks once", "[joinall]") {
    handles const both{spawn(value_after(1, 0ms)), spawn(value_after(2, 5ms))};
    co_await sleep_for(1ms);
    auto const done = co_await joinall(both, 0s);
    REQUIRE(values(done) == "1 ");
    auto const negative = co_await joinall(both, -5s);
    REQUIRE(values(negative) == "1 ");
    REQUIRE(elapsed() == 1ms);
}

GREEN_TEST("joinall does not throw what the tasks failed with", "[joinall]") {
    handles both{spawn(fails_after("bad", 1ms)), spawn(value_after(2, 2ms))};
    both[1].cancel();
    auto const done = co_await joinall(both);
    REQUIRE(done.size() == 2);
    REQUIRE(values(both) == "- - ");
}

// conformance 148
GREEN_TEST("raise_error throws the failure that came first in time, at once", "[joinall]") {
    handles const three{
        spawn(fails_after("later", 3ms)), spawn(fails_after("first", 1ms)),
        spawn(value_after(3, 10ms))
    };
    std::string error;
    joinall_options options;
    options.raise_error = true;
    try {
        co_await joinall(three, options);
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "first");
    REQUIRE(elapsed() == 1ms);
    co_await joinall(three);
    REQUIRE(elapsed() == 10ms);
    error.clear();
    try {
        co_await joinall(three, options);  // all have ended
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "first");
}

// conformance 149
GREEN_TEST("count: joinall returns when so many have ended", "[joinall]") {
    handles const three{
        spawn(value_after(1, 3ms)), spawn(value_after(2, 1ms)),
        spawn(fails_after("never seen", 9ms))
    };
    joinall_options options;
    options.count = 1;
    options.raise_error = true;
    auto const one = co_await joinall(three, options);
    REQUIRE(values(one) == "2 ");
    REQUIRE(elapsed() == 1ms);
    options.count = 2;
    auto const two = co_await joinall(three, options);
    REQUIRE(values(two) == "2 1 ");
    REQUIRE(elapsed() == 3ms);
    options.count = 0;
    auto const none = co_await joinall(three, options);
    REQUIRE(elapsed() == 3ms);
    options.count = 99;
    options.raise_error = false;
    auto const everything = co_await joinall(three, options);
    REQUIRE(everything.size() == 3);
}

GREEN_TEST("joinall takes any range, and one task twice", "[joinall]") {
    auto const a = spawn(value_after(1, 1ms));
    std::list<join_handle<int>> const list{a, a};
    auto const twice = co_await joinall(list);
    REQUIRE(values(twice) == "1 1 ");
    std::array<join_handle<int>, 1> const array{a};
    auto const once = co_await joinall(array);
    REQUIRE(once.size() == 1);
}

GREEN_TEST("joinall is lazy, and its timeout counts from the co_await", "[joinall]") {
    handles const one{spawn(value_after(1, 20ms))};
    auto waiting = joinall(one, 5ms);
    co_await sleep_for(10ms);
    auto const done = co_await std::move(waiting);
    REQUIRE(done.empty());
    REQUIRE(elapsed() == 15ms);
}

GREEN_TEST(
    "joinall: cancelled before it starts, and while it waits; the tasks run on", "[joinall]"
) {
    census frames;
    recorder log;
    handles const two{spawn(value_after(1, 5ms)), spawn(value_after(2, 5ms))};
    join_handle<void> early;
    early = spawn([&]() -> task<> {
        tracker const t(frames);
        early.cancel();
        co_await joinall(two);
        log.note("never");
    });
    auto late = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await joinall(two, 3ms);
        log.note("never");
    });
    co_await sleep_for(1ms);
    late.cancel();
    co_await early.join();
    co_await late.join();
    REQUIRE(elapsed() == 1ms);
    REQUIRE(frames.clean());
    auto const done = co_await joinall(two);
    REQUIRE(values(done) == "1 2 ");
    REQUIRE(log.text().empty());
}

GREEN_TEST("joinall: completed and cancelled in one turn, the result wins", "[joinall]") {
    recorder log;
    handles const one{spawn(value_after(1, 5ms))};
    auto waiter = spawn([&]() -> task<> {
        auto const done = co_await joinall(one, 1h);
        log.stamp(values(done));
        co_await yield();
        log.note("never");
    });
    co_await yield();
    one[0].add_done_callback([&] { waiter.cancel(); });
    co_await waiter.join();
    REQUIRE(log.text() == "1 @5");
}

TEST_CASE("joinall: destroyed by the end of the run", "[joinall]") {
    census frames;
    handles some;
    auto const joins = [&]() -> task<> {
        tracker const t(frames);
        co_await joinall(some, 1h);
    };
    run(virtual_clock(), [&]() -> task<> {
        for (int i = 0; i < 3; ++i) some.push_back(spawn(value_after(i, 2h)));
        spawn(joins);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 1);
    });
    REQUIRE(frames.clean());
}

GREEN_TEST("a task that joins itself among others is an error", "[joinall]") {
    handles group;
    group.push_back(spawn([&]() -> task<int> {
        co_await joinall(group);
        co_return 1;
    }));
    co_await group[0].join();
    REQUIRE_THROWS_AS(group[0].result(), std::logic_error);
}

// --- killall

GREEN_TEST("killall cancels all and waits until all have ended", "[killall]") {
    census frames;
    auto const body = [&](std::chrono::nanoseconds cleanup) -> task<> {
        tracker const t(frames);
        co_await shield(sleep_for(cleanup));
        co_await sleep_for(1h);
    };
    std::vector<join_handle<void>> group{spawn(body, 0ms), spawn(body, 5ms), spawn(body, 10ms)};
    co_await sleep_for(1ms);
    co_await killall(group);
    REQUIRE(elapsed() == 10ms);
    REQUIRE(frames.clean());
    for (const auto& h : group) REQUIRE(h.cancelled());
    co_await killall(group);  // again: nothing to do
    REQUIRE(elapsed() == 10ms);
}

// conformance 158
GREEN_TEST("killall with a timeout throws if one that has begun outlives it", "[killall]") {
    auto const stubborn = []() -> task<> { co_await shield(sleep_for(10ms)); };
    std::vector<join_handle<void>> const unstarted{spawn(stubborn), spawn(stubborn)};
    co_await killall(unstarted, std::chrono::years(1000));  // never begin
    REQUIRE(elapsed() == 0ms);
    std::vector<join_handle<void>> const started{spawn(stubborn)};
    co_await yield();
    std::string error;
    try {
        co_await killall(started, 5ms);
    } catch (const timeout_error& e) {
        error = e.what();
    }
    REQUIRE(error.find("1 of 1") != std::string::npos);
    REQUIRE(elapsed() == 5ms);
    co_await killall(started, 0.5s);
    REQUIRE(elapsed() == 10ms);
}

// conformance 157: a cancel stays requested; asking again changes nothing.
GREEN_TEST("killall of what is being cancelled does no more", "[killall]") {
    int ends = 0;
    struct counts {
        int& n;
        ~counts() { ++n; }
    };
    auto const body = [&]() -> task<> {
        counts const c{ends};
        co_await shield(sleep_for(5ms));
        co_await sleep_for(1h);
    };
    std::vector<join_handle<void>> group{spawn(body)};
    co_await yield();
    group[0].cancel("first");
    co_await killall(group);
    REQUIRE(ends == 1);
    REQUIRE_THROWS_WITH(group[0].result(), Catch::Matchers::Contains("first"));
}

}  // namespace
