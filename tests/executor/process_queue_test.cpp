#include <green/executor/process_queue.hpp>

#include "executor/process_queue_support.hpp"
#include "support/green_test.hpp"

#include <green/loop/loop.hpp>
#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace green;
using namespace green_test;

// In the process that owns the queue. process_queue_link_test has the same from outside.

// --- the five tests, for get, put and join

GREEN_TEST("process_queue: what is there already does not suspend", "[process_queue]") {
    process_queue<int> const q(2);
    co_await q.join();
    co_await q.put(1);
    REQUIRE(q.size() == 1);
    REQUIRE(q.unfinished() == 1);
    int const item = co_await q.get();
    REQUIRE(item == 1);
    REQUIRE(elapsed() == 0ms);
    REQUIRE(q.unfinished() == 1);
    q.task_done();
    REQUIRE(q.unfinished() == 0);
    co_await q.join();
}

GREEN_TEST("process_queue: tasks of one loop wait for each other", "[process_queue]") {
    process_queue<int> const q(1);
    auto getter = spawn(get_from, q);
    co_await sleep_for(1ms);
    REQUIRE(!getter.done());
    co_await q.put(1);
    int const first = co_await getter;
    REQUIRE(first == 1);

    co_await q.put(2);
    REQUIRE(q.full());
    auto putter = spawn(put_into, q, 3);
    auto joiner = spawn(join_it, q);
    co_await sleep_for(1ms);
    REQUIRE(!putter.done());
    int const second = co_await q.get();
    co_await putter;
    int const third = co_await q.get();
    REQUIRE(second == 2);
    REQUIRE(third == 3);
    for (int i = 0; i < 3; ++i) {
        REQUIRE(!joiner.done());
        q.task_done();
    }
    co_await joiner;
}

GREEN_TEST("process_queue: cancelled before it starts, nothing happens", "[process_queue]") {
    process_queue<int> const q;
    auto putter = spawn(put_into, q, 1);
    auto getter = spawn([&]() -> task<> {
        co_await yield();
        co_await q.get();
    });
    putter.cancel();
    co_await yield();
    getter.cancel();
    co_await q.put(5);
    co_await yield();
    REQUIRE(putter.cancelled());
    co_await yield();
    REQUIRE(getter.cancelled());
    REQUIRE(q.size() == 1);
}

GREEN_TEST("process_queue: cancelled while it waits, it leaves no trace", "[process_queue]") {
    process_queue<int> const q(1);
    auto getter = spawn(get_from, q);
    co_await sleep_for(1ms);
    getter.cancel();
    co_await q.put(1);
    REQUIRE(q.size() == 1);
    auto putter = spawn(put_into, q, 2);
    auto joiner = spawn(join_it, q);
    co_await sleep_for(1ms);
    putter.cancel();
    joiner.cancel();
    co_await sleep_for(1ms);
    REQUIRE(putter.cancelled());
    REQUIRE(joiner.cancelled());
    auto const item = q.try_get();
    REQUIRE(item == 1);
    REQUIRE(q.empty());
    bool const more = q.try_put(3);
    REQUIRE(more);
}

GREEN_TEST("process_queue: a getter that has its item keeps it", "[process_queue]") {
    process_queue<int> const q;
    int got = 0;
    auto getter = spawn([&]() -> task<> {
        got = co_await q.get();
        co_await yield();
        got = -1;
    });
    co_await sleep_for(1ms);
    co_await q.put(7);
    getter.cancel();
    co_await sleep_for(1ms);
    REQUIRE(got == 7);
    REQUIRE(getter.cancelled());
}

TEST_CASE("process_queue: the end of a run takes its waiters out of the queue", "[process_queue]") {
    process_queue<int> const q(1);
    q.put(1);
    run(virtual_clock(), [&]() -> task<> {
        spawn(put_into, q, 2);
        spawn(join_it, q);
        co_await sleep_for(1ms);
    });
    int const item = q.get();
    REQUIRE(item == 1);
    REQUIRE(q.empty());
    REQUIRE(q.try_put(3));
}

// --- limits, closing

GREEN_TEST("process_queue: limits of time around its operations", "[process_queue]") {
    process_queue<int> const q(1);
    auto const none = co_await move_on_after(5ms, q.get());
    REQUIRE(!none);
    REQUIRE(elapsed() == 5ms);
    co_await q.put(1);
    bool const put = co_await move_on_after(5ms, q.put(2));
    REQUIRE(!put);
    REQUIRE(elapsed() == 10ms);
    REQUIRE(q.size() == 1);
}

GREEN_TEST("process_queue: closed, it can be drained and then says so", "[process_queue]") {
    process_queue<int> q(1);
    q.set_name("jobs");
    co_await q.put(1);
    auto putter = spawn(put_into, q, 2);
    co_await sleep_for(1ms);
    REQUIRE(!q.closed());
    q.close();
    REQUIRE(q.closed());
    co_await sleep_for(1ms);
    REQUIRE_THROWS_AS(putter.result(), closed_error);
    REQUIRE_THROWS_WITH(q.try_put(3), "process_queue.put of 'jobs': closed");
    int const item = co_await q.get();
    REQUIRE(item == 1);
    REQUIRE_THROWS_WITH(q.try_get(), "process_queue.get of 'jobs': closed");
}

GREEN_TEST("process_queue: closing wakes getters, discarding wakes join", "[process_queue]") {
    process_queue<int> const q;
    auto getter = spawn(get_from, q);
    co_await sleep_for(1ms);
    q.close();
    co_await sleep_for(1ms);
    REQUIRE_THROWS_AS(getter.result(), closed_error);

    process_queue<int> const dropped;
    co_await dropped.put(1);
    auto joiner = spawn(join_it, dropped);
    co_await sleep_for(1ms);
    dropped.close();
    co_await sleep_for(1ms);
    REQUIRE(!joiner.done());
    dropped.close(close_mode::discard);
    co_await joiner;
    REQUIRE(dropped.empty());
}

// --- misuse

// conformance 101
TEST_CASE("process_queue: called done more often than got", "[process_queue]") {
    process_queue<int> q;
    q.set_name("jobs");
    REQUIRE_THROWS_AS(q.task_done(), std::logic_error);
    q.put(1);
    REQUIRE(static_cast<int>(q.get()) == 1);
    q.task_done();
    REQUIRE_THROWS_WITH(
        q.task_done(),
        "green: process_queue.task_done of 'jobs': called more often than this process has got "
        "items"
    );
    q.put(2);
    REQUIRE(static_cast<int>(q.get()) == 2);
    q.task_done();
    q.join();
}

// conformance 102
TEST_CASE("process_queue: an item that cannot be encoded is reported", "[process_queue]") {
    process_queue<picky> const q;
    REQUIRE_THROWS_AS(q.put(picky{.value = 13}), codec_error);
    REQUIRE_THROWS_AS(q.try_put(picky{.value = 13}), codec_error);
    REQUIRE(q.unfinished() == 0);
    q.put(picky{.value = 2});
    picky const got = q.get();
    REQUIRE(got.value == 2);
    q.task_done();
    q.join();
}

TEST_CASE("process_queue: a call that a task forgets to await is reported", "[process_queue]") {
    process_queue<int> const q;
    std::string report;
    run(virtual_clock(), [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure& f) { report = f.report; });
        q.put(1);
        co_return;
    });
    REQUIRE_THAT(
        report,
        Catch::Matchers::Contains(
            "process_queue.put was called on the thread of a loop and not awaited"
        )
    );
    REQUIRE(q.empty());
}

GREEN_TEST("process_queue: a task does not block its loop's thread", "[process_queue]") {
    process_queue<int> const q(1);
    REQUIRE_THROWS_AS(q.try_get_for(1s), std::logic_error);
    bool const put = q.try_put_for(1, 1s);  // there is room: it need not block
    REQUIRE(put);
    REQUIRE_THROWS_AS(q.try_put_for(2, 1s), std::logic_error);
    co_return;
}

// --- threads

TEST_CASE("process_queue: threads block until there is room or an item", "[process_queue]") {
    process_queue<std::string> const q(1);
    int in_order = 0;
    std::thread getter([&] {
        for (int i = 0; i < 1000; ++i) {
            std::string const item = q.get();
            in_order += item == std::to_string(i) ? 1 : 0;
            q.task_done();
        }
    });
    for (int i = 0; i < 1000; ++i) q.put(std::to_string(i));
    q.join();
    getter.join();
    REQUIRE(in_order == 1000);
    REQUIRE(!q.try_get_for(1ms));
    REQUIRE(q.try_put_for("", 1ms));
    REQUIRE(!q.try_put_for("", 1ms));
    q.close();
    REQUIRE_THROWS_AS(q.put(""), closed_error);
}
