#include <green/loop/sleep.hpp>

#include "support/green_test.hpp"

#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

task<> sleeper(recorder& log, const char* name, std::chrono::nanoseconds d) {
    co_await sleep_for(d);
    log.stamp(name);
}

GREEN_TEST("a sleep of nothing is ready at the next turn", "[sleep]") {
    recorder log;
    auto const a = spawn(sleeper(log, "a", 0ms));
    auto const b = spawn(sleeper(log, "b", -5ms));  // conformance 278
    auto const c = spawn(sleeper(log, "c", 0ms));
    log.stamp("main");
    co_await a;
    co_await b;
    co_await c;
    REQUIRE(log.text() == "main@0 a@0 b@0 c@0");
}

// conformance 276
GREEN_TEST("a sleep ends at its time, not before", "[sleep]") {
    co_await sleep_for(2ms);
    REQUIRE(elapsed() == 2ms);
    co_await sleep_for(1ns);
    REQUIRE(elapsed() == 2ms + 1ns);
    co_await sleep_for(std::chrono::duration<double>(0.5));
    REQUIRE(elapsed() == 502ms + 1ns);
    co_await sleep_until(green::clock::time_point(1s));
    REQUIRE(elapsed() == 1s);
    co_await sleep_until(green::clock::time_point(1ms));
    REQUIRE(elapsed() == 1s);
}

// conformance 276
GREEN_TEST_REAL_CLOCK("a sleep on the real clock is not early either", "[sleep]") {
    for (auto const d : {1ns, 999ns, 300'000ns, 1'000'000ns, 1'200'000ns, 2'500'000ns}) {
        auto const before = green::now();
        co_await sleep_for(d);
        auto const slept = green::now() - before;
        REQUIRE(slept >= d);
    }
}

GREEN_TEST("sleeps of one instant end in one turn, in the order in which they began", "[sleep]") {
    recorder log;
    std::vector<join_handle<void>> handles;
    handles.push_back(spawn(sleeper(log, "a", 5ms)));
    handles.push_back(spawn(sleeper(log, "b", 3ms)));
    handles.push_back(spawn(sleeper(log, "c", 5ms)));
    handles.push_back(spawn(sleeper(log, "d", 5ms)));
    co_await joinall(handles);
    REQUIRE(log.text() == "b@3 a@5 c@5 d@5");
}

GREEN_TEST("a sleep that is cancelled before it starts never starts", "[sleep]") {
    census frames;
    recorder log;
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        tracker const t(frames);
        h.cancel();
        co_await sleep_for(5ms);
        log.note("slept");
    });
    co_await h.join();
    REQUIRE(log.text().empty());
    REQUIRE(h.cancelled());
    REQUIRE(elapsed() == 0ms);
    REQUIRE(frames.clean());
    co_await sleep_for(10ms);  // a timer left behind would fire now
}

GREEN_TEST("a sleep that is cancelled while it waits ends at once", "[sleep]") {
    census frames;
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await sleep_for(1h);
    });
    co_await sleep_for(3ms);
    REQUIRE(frames.live() == 1);
    h.cancel();
    co_await h.join();
    REQUIRE(elapsed() == 3ms);
    REQUIRE(frames.clean());
}

GREEN_TEST("a sleep that is over when the cancel comes has ended well", "[sleep]") {
    recorder log;
    join_handle<void> sleeping;
    auto canceller = spawn([&]() -> task<> {
        co_await sleep_for(5ms);  // armed first: runs first
        sleeping.cancel();
    });
    co_await yield();
    sleeping = spawn([&]() -> task<> {
        co_await sleep_for(5ms);
        log.stamp("slept");
        co_await yield();
        log.note("never");
    });
    co_await canceller;
    co_await sleeping.join();
    REQUIRE(log.text() == "slept@5");
    REQUIRE(sleeping.cancelled());
}

TEST_CASE("a sleep that waits at the end of the run is destroyed", "[sleep]") {
    census frames;
    run(virtual_clock(), [&]() -> task<> {
        spawn([&]() -> task<> {
            tracker const t(frames);
            co_await sleep_for(forever);
        });
        co_await yield();
        REQUIRE(frames.live() == 1);
    });
    REQUIRE(frames.clean());
}

// conformance 277
GREEN_TEST("a huge sleep is long, not short", "[sleep]") {
    recorder log;
    auto a = spawn(sleeper(log, "years", std::chrono::nanoseconds::max() - 1h));
    co_await sleep_for(24h);
    REQUIRE(log.text().empty());
    a.cancel();
}

GREEN_TEST("a sleep is a task if one is asked for", "[sleep]") {
    task<> t = sleep_for(2ms);
    co_await std::move(t);
    REQUIRE(elapsed() == 2ms);
    auto const sleep = sleep_for(2ms);
    co_await sleep_awaitable(sleep);
    sleep_awaitable again = sleep;
    co_await again;
    co_await again;  // each co_await counts from itself
    REQUIRE(elapsed() == 8ms);
    task<> y = yield();
    co_await std::move(y);
    REQUIRE(elapsed() == 8ms);
}

// --- yield

// conformance 141
GREEN_TEST("yield lets the others run, in order", "[yield]") {
    recorder log;
    auto const twice = [&](const char* first, const char* second) -> task<> {
        log.note(first);
        co_await yield();
        log.note(second);
    };
    auto const one = spawn(twice, "1A", "1B");
    auto const two = spawn(twice, "2A", "2B");
    co_await one;
    co_await two;
    REQUIRE(log.text() == "1A 2A 1B 2B");
}

GREEN_TEST("a yield after a cancel does not come back", "[yield]") {
    census frames;
    recorder log;
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        tracker const t(frames);
        h.cancel();
        co_await yield();
        log.note("never");
    });
    co_await h.join();
    REQUIRE(log.text().empty());
    REQUIRE(frames.clean());
}

GREEN_TEST("a yield is complete at once, so a cancel comes after it", "[yield]") {
    recorder log;
    auto h = spawn([&]() -> task<> {
        co_await yield();
        log.note("yielded");
        co_await yield();
        log.note("never");
    });
    co_await yield();  // now it is in its first yield
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "yielded");
    REQUIRE(h.cancelled());
}

GREEN_TEST_REAL_CLOCK(
    "a deadline that passes on the way to the poll is not slept over", "[sleep]"
) {
    // libuv 1.44 looks at its timers before it polls, and must then not poll without end.
    for (int i = 0; i < 200; ++i) {
        auto const since_epoch = now().time_since_epoch();
        auto const boundary = std::chrono::floor<std::chrono::milliseconds>(since_epoch) + 2ms;
        clock::time_point const due{boundary};
        while (now() < due - i * 200ns) {}
        co_await sleep_until(due);
        REQUIRE(now() >= due);
    }
}

}  // namespace
