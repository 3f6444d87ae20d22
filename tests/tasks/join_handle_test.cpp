#include <green/tasks/join_handle.hpp>

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

using namespace green;
using namespace green_test;

task<std::string> text_after(std::chrono::nanoseconds d) {
    co_await sleep_for(d);
    co_return "a text that is long enough for the heap";
}
task<int> fails_after(std::chrono::nanoseconds d) {
    co_await sleep_for(d);
    throw std::runtime_error("failed");
}
task<> sleeps(std::chrono::nanoseconds d) { co_await sleep_for(d); }

// conformance 142
GREEN_TEST("a handle shows the state of its task", "[join_handle]") {
    auto const ok = spawn(text_after(2ms));
    auto const bad = spawn(fails_after(2ms));
    auto cancelled = spawn(sleeps(2ms));
    auto const nothing = spawn(sleeps(2ms));
    REQUIRE_FALSE(ok.done());
    REQUIRE_FALSE(ok.successful());
    REQUIRE_FALSE(ok.value().has_value());
    REQUIRE(ok.exception() == nullptr);
    REQUIRE_THROWS_AS(ok.result(), std::logic_error);
    REQUIRE_FALSE(nothing.value());
    co_await sleep_for(1ms);
    cancelled.cancel("not needed");
    REQUIRE_FALSE(cancelled.done());
    co_await sleep_for(2ms);

    REQUIRE(ok.done());
    REQUIRE(ok.successful());
    REQUIRE_FALSE(ok.cancelled());
    REQUIRE(ok.value() == "a text that is long enough for the heap");
    REQUIRE(ok.result() == *ok.value());
    REQUIRE(ok.exception() == nullptr);

    REQUIRE(bad.done());
    REQUIRE_FALSE(bad.successful());
    REQUIRE_FALSE(bad.value().has_value());
    REQUIRE(bad.exception() != nullptr);
    REQUIRE_THROWS_WITH(bad.result(), "failed");
    REQUIRE_THROWS_WITH(bad.result(), "failed");  // again

    // conformance 153: gevent calls a killed greenlet successful; green does not, since it has no value
    REQUIRE(cancelled.done());
    REQUIRE(cancelled.cancelled());
    REQUIRE_FALSE(cancelled.successful());
    REQUIRE_FALSE(cancelled.value());
    REQUIRE(cancelled.exception() == nullptr);
    REQUIRE_THROWS_AS(cancelled.result(), cancelled_error);
    REQUIRE(nothing.value());
}

GREEN_TEST("a handle of nothing is an error, not a crash", "[join_handle]") {
    join_handle<int> none;
    REQUIRE_FALSE(static_cast<bool>(none));
    REQUIRE_THROWS_AS(none.done(), std::logic_error);
    REQUIRE_THROWS_AS(none.cancel(), std::logic_error);
    bool caught = false;
    try {
        co_await none;
    } catch (const std::logic_error&) {
        caught = true;
    }
    REQUIRE(caught);
}

GREEN_TEST("join: ready at once", "[join_handle]") {
    auto const h = spawn(text_after(0ms));
    co_await sleep_for(1ms);
    std::string const text = co_await h;
    REQUIRE(text.size() == 39);
    REQUIRE(elapsed() == 1ms);
}

// conformance 145
GREEN_TEST("join: waits, then gives the result or the failure", "[join_handle]") {
    auto const h = spawn(text_after(5ms));
    std::string const text = co_await h;
    REQUIRE(elapsed() == 5ms);
    REQUIRE(h.result() == text);  // copied: it is still there
    auto const bad = spawn(fails_after(5ms));
    std::string error;
    try {
        co_await bad;
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "failed");
    REQUIRE(elapsed() == 10ms);
}

GREEN_TEST("join: cancelled before it starts", "[join_handle]") {
    recorder log;
    census frames;
    auto const target = spawn(sleeps(5ms));
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        tracker const t(frames);
        h.cancel();
        co_await target;
        log.note("never");
    });
    co_await h.join();
    REQUIRE(elapsed() == 0ms);
    REQUIRE(frames.clean());
    co_await target;
    REQUIRE(target.successful());
    REQUIRE(log.text().empty());
}

GREEN_TEST("join: cancelled while it waits; the awaited task runs on", "[join_handle]") {
    census frames;
    auto const target = spawn(sleeps(5ms));
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await target;
    });
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(elapsed() == 1ms);
    REQUIRE(frames.clean());
    REQUIRE_FALSE(target.done());
    co_await target;
    REQUIRE(elapsed() == 5ms);
}

// rule 2
GREEN_TEST("join: completed and cancelled in one turn, the result wins", "[join_handle]") {
    recorder log;
    join_handle<void> waiter;
    auto const target = spawn([&]() -> task<int> {
        co_await sleep_for(1ms);
        co_return 5;
    });
    waiter = spawn([&]() -> task<> {
        int const n = co_await target;
        log.note(std::to_string(n));
        co_await yield();
        log.note("never");
    });
    co_await yield();
    target.add_done_callback([&] { waiter.cancel(); });  // after the waiter was woken
    co_await waiter.join();
    REQUIRE(log.text() == "5");
    REQUIRE(waiter.cancelled());
}

TEST_CASE("join: destroyed by the end of the run", "[join_handle]") {
    census frames;
    join_handle<void> target;
    auto const joins = [&]() -> task<> {
        tracker const t(frames);
        co_await target;
    };
    run(virtual_clock(), [&]() -> task<> {
        target = spawn(sleeps(1h));
        spawn(joins);
        spawn(joins);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 2);
    });
    REQUIRE(frames.clean());
}

GREEN_TEST("all who wait resume, in the order in which they began", "[join_handle]") {
    recorder log;
    auto const target = spawn(sleeps(5ms));
    auto const waiter = [&](const char* name) -> task<> {
        co_await target;
        log.stamp(name);
    };
    auto const a = spawn(waiter, "a");
    auto const b = spawn(waiter, "b");
    auto const c = spawn(waiter, "c");
    co_await c;
    REQUIRE(log.text() == "a@5 b@5 c@5");
}

GREEN_TEST("an rvalue handle gives its result away", "[join_handle]") {
    auto const body = []() -> task<std::unique_ptr<int>> {
        co_await yield();
        co_return std::make_unique<int>(4);
    };
    auto h = spawn(body);
    std::unique_ptr<int> const p = co_await std::move(h);
    REQUIRE(*p == 4);
    std::unique_ptr<int> const q = co_await spawn(body);
    REQUIRE(*q == 4);
}

GREEN_TEST("a reference result stays a reference", "[join_handle]") {
    int number = 1;
    auto const body = [&]() -> task<int&> { co_return number; };
    auto const h = spawn(body);
    int& r = co_await h;
    REQUIRE(&r == &number);
    REQUIRE(h.value() == &number);
    REQUIRE(&h.result() == &number);
}

// A handle given to a combinator by value is a copy: the original's value must not be moved away.
GREEN_TEST("a handle that others still hold keeps its value", "[join_handle]") {
    auto const h = spawn(text_after(1ms));
    std::string const text = co_await with_timeout(1s, h);
    REQUIRE(text == "a text that is long enough for the heap");
    REQUIRE(h.value() == text);
}

// conformance 144
GREEN_TEST(
    "join(timeout) never throws the task's error and leaves the task running", "[join_handle]"
) {
    auto const bad = spawn(fails_after(10ms));
    bool ended = co_await bad.join(5ms);
    REQUIRE_FALSE(ended);
    REQUIRE(elapsed() == 5ms);
    REQUIRE_FALSE(bad.done());
    ended = co_await bad.join(5ms);  // due at the instant at which it ends: the end wins
    REQUIRE(ended);
    REQUIRE(elapsed() == 10ms);
    ended = co_await bad.join(0ms);
    REQUIRE(ended);
    auto const slow = spawn(sleeps(1ms));
    ended = co_await slow.join(0ms);
    REQUIRE_FALSE(ended);
    ended = co_await slow.join(-1s);
    REQUIRE_FALSE(ended);
    ended = co_await slow.join();
    REQUIRE(ended);
}

// conformance 145
GREEN_TEST("a wait with a timeout leaves the task running", "[join_handle]") {
    auto const slow = spawn(text_after(10ms));
    bool timed_out = false;
    try {
        co_await with_timeout(5ms, slow);
    } catch (const timeout_error&) {
        timed_out = true;
    }
    REQUIRE(timed_out);
    REQUIRE(elapsed() == 5ms);
    REQUIRE_FALSE(slow.done());
    co_await slow;
    REQUIRE(elapsed() == 10ms);
}

// conformance 270
GREEN_TEST("a task that awaits itself is an error", "[join_handle]") {
    join_handle<int> self;
    self = spawn([&]() -> task<int> {
        int const n = co_await self;
        co_return n;
    });
    co_await self.join();
    REQUIRE_THROWS_AS(self.result(), std::logic_error);
    join_handle<int> joiner;
    joiner = spawn([&]() -> task<int> {
        co_await joiner.join();
        co_return 1;
    });
    co_await joiner.join();
    REQUIRE_THROWS_AS(joiner.result(), std::logic_error);
}

// conformance 268
GREEN_TEST("cancel() is false once the task has ended", "[join_handle]") {
    auto h = spawn(sleeps(1ms));
    REQUIRE(h.cancel());
    REQUIRE(h.cancel());
    co_await h.join();
    REQUIRE_FALSE(h.cancel());
    auto ok = spawn(sleeps(1ms));
    co_await ok;
    REQUIRE_FALSE(ok.cancel());
    REQUIRE(ok.successful());
}

// conformance 273
GREEN_TEST("the first reason stays, with the place of the request", "[join_handle]") {
    auto h = spawn({.name = "worker"}, sleeps(1h));
    co_await yield();
    h.cancel("the first reason");
    h.cancel("the second reason");
    std::string text;
    try {
        co_await h;
    } catch (const cancelled_error& e) {
        text = e.what();
    }
    REQUIRE(text.find("'worker'") != std::string::npos);
    REQUIRE(text.find("the first reason") != std::string::npos);
    REQUIRE(text.find("the second reason") == std::string::npos);
    REQUIRE(text.find("join_handle_test.cpp") != std::string::npos);
}

GREEN_TEST("handles are equal when their task is the same", "[join_handle]") {
    auto const a = spawn(sleeps(1ms));
    auto const b = a;
    auto const c = spawn(sleeps(1ms));
    REQUIRE(a == b);
    REQUIRE_FALSE(a == c);
    co_return;
}

// conformance 160
GREEN_TEST("done callbacks run in order, once, also when added late", "[join_handle]") {
    recorder log;
    auto const h = spawn(sleeps(5ms));
    h.add_done_callback([&] { log.stamp("a"); });
    h.add_done_callback([&](join_handle<void> self) {
        REQUIRE(self == h);
        REQUIRE(self.done());
        log.stamp("b");
        self.add_done_callback([&] { log.stamp("nested"); });
    });
    h.add_done_callback([&] { log.stamp("c"); });
    co_await h;
    REQUIRE(log.text() == "a@5 b@5 nested@5 c@5");
    h.add_done_callback([&] { log.stamp("late"); });
    REQUIRE(log.text() == "a@5 b@5 nested@5 c@5 late@5");
}

// conformance 161: one kind of callback, which asks the handle
GREEN_TEST("a done callback is called however the task ended", "[join_handle]") {
    recorder log;
    auto const note = [&](auto handle) {
        log.note(handle.successful() ? "value" : handle.cancelled() ? "cancelled" : "error");
    };
    auto const ok = spawn(sleeps(1ms));
    ok.add_done_callback(note);
    auto const bad = spawn(fails_after(2ms));
    bad.add_done_callback(note);
    auto stopped = spawn(sleeps(3ms));
    stopped.add_done_callback(note);
    co_await ok;
    co_await bad.join();
    stopped.cancel();
    co_await stopped.join();
    REQUIRE(log.text() == "value error cancelled");
}

GREEN_TEST("a callback may drop the last handle, spawn and cancel", "[join_handle]") {
    recorder log;
    auto other = spawn(sleeps(1h));
    auto h = std::make_unique<join_handle<void>>(spawn(sleeps(1ms)));
    h->add_done_callback([&] {
        h.reset();
        other.cancel();
        spawn([&]() -> task<> {
            log.note("spawned");
            co_return;
        });
    });
    co_await other.join();
    co_await yield();
    REQUIRE(log.text() == "spawned");
    REQUIRE(elapsed() == 1ms);
}

#ifndef NDEBUG
// conformance 296, rule 14
TEST_CASE("debug builds refuse a handle on another thread while its loop runs", "[join_handle]") {
    join_handle<> kept;
    run([&]() -> task<> {
        kept = spawn(sleeps(1ms));
        std::string said;
        std::thread([&] {
            try {
                kept.cancel();
            } catch (const std::logic_error& e) {
                said = e.what();
            }
        }).join();
        REQUIRE(said.find("another thread") != std::string::npos);
        REQUIRE_FALSE(kept.done());
        co_await kept;
    });
    // Afterwards it is only memory.
    std::thread([&] { REQUIRE(kept.done()); }).join();
}
#endif

}  // namespace
