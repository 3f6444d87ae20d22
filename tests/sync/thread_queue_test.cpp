#include <green/sync/thread_queue.hpp>

#include "support/green_test.hpp"

#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace green;
using namespace green_test;

namespace {

task<int> get_from(thread_queue<int>& q) {
    int const item = co_await q.get();
    co_return item;
}
task<> put_into(thread_queue<int>& q, int item) { co_await q.put(item); }

}  // namespace

// --- the five tests, for get, put and join

GREEN_TEST("thread_queue: what is there already does not suspend", "[thread_queue]") {
    thread_queue<int> q(2);
    co_await q.join();
    co_await q.put(1);
    REQUIRE(q.size() == 1);
    REQUIRE(q.unfinished() == 1);
    int const item = co_await q.get();
    REQUIRE(item == 1);
    REQUIRE(elapsed() == 0ms);
    q.task_done();
    REQUIRE_THROWS_AS(q.task_done(), std::logic_error);
}

GREEN_TEST("thread_queue: tasks of one loop wait for each other", "[thread_queue]") {
    thread_queue<int> q(1);
    auto getter = spawn(get_from, std::ref(q));
    co_await sleep_for(1ms);
    REQUIRE(!getter.done());
    co_await q.put(1);
    int const first = co_await getter;
    REQUIRE(first == 1);

    co_await q.put(2);
    REQUIRE(q.full());
    auto putter = spawn(put_into, std::ref(q), 3);
    auto joiner = spawn([&]() -> task<> { co_await q.join(); });
    co_await sleep_for(1ms);
    REQUIRE(!putter.done());
    int const second = co_await q.get();
    co_await putter;
    int const third = co_await q.get();
    REQUIRE(second == 2);
    REQUIRE(third == 3);
    for (int i = 0; i < 3; ++i) q.task_done();
    co_await joiner;
}

GREEN_TEST("thread_queue: cancelled before it starts, nothing happens", "[thread_queue]") {
    thread_queue<int> q;
    auto putter = spawn(put_into, std::ref(q), 1);
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

GREEN_TEST("thread_queue: cancelled while it waits, it leaves no trace", "[thread_queue]") {
    thread_queue<int> q(1);
    auto getter = spawn(get_from, std::ref(q));
    co_await sleep_for(1ms);
    getter.cancel();
    co_await q.put(1);
    REQUIRE(q.size() == 1);
    auto putter = spawn(put_into, std::ref(q), 2);
    auto joiner = spawn([&]() -> task<> { co_await q.join(); });
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

GREEN_TEST(
    "thread_queue: a getter that has its item keeps it, cancelled or not", "[thread_queue]"
) {
    thread_queue<int> q;
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

TEST_CASE("thread_queue: the end of a run takes its waiters out of the queue", "[thread_queue]") {
    thread_queue<int> q(1);
    q.put(1);
    run(virtual_clock(), [&]() -> task<> {
        spawn(put_into, std::ref(q), 2);
        spawn([&]() -> task<> { co_await q.join(); });
        co_await sleep_for(1ms);
    });
    int const item = q.get();
    REQUIRE(item == 1);
    REQUIRE(q.empty());
    REQUIRE(q.try_put(3));
}

// --- limits, closing

GREEN_TEST("thread_queue: limits of time around its operations", "[thread_queue]") {
    thread_queue<int> q(1);
    auto const none = co_await move_on_after(5ms, q.get());
    REQUIRE(!none);
    REQUIRE(elapsed() == 5ms);
    co_await q.put(1);
    bool const put = co_await move_on_after(5ms, q.put(2));
    REQUIRE(!put);
    REQUIRE(elapsed() == 10ms);
    REQUIRE(q.size() == 1);
}

GREEN_TEST("thread_queue: closed, it can be drained and then says so", "[thread_queue]") {
    thread_queue<int> q(1);
    q.set_name("jobs");
    co_await q.put(1);
    auto putter = spawn(put_into, std::ref(q), 2);
    co_await sleep_for(1ms);
    q.close();
    co_await sleep_for(1ms);
    REQUIRE_THROWS_AS(putter.result(), closed_error);
    REQUIRE_THROWS_WITH(q.try_put(3), "thread_queue.put of 'jobs': closed");
    int const item = co_await q.get();
    REQUIRE(item == 1);
    REQUIRE_THROWS_WITH(q.try_get(), "thread_queue.get of 'jobs': closed");
}

GREEN_TEST("thread_queue: closing wakes getters, discarding wakes join", "[thread_queue]") {
    thread_queue<int> q;
    auto getter = spawn(get_from, std::ref(q));
    co_await sleep_for(1ms);
    q.close();
    co_await sleep_for(1ms);
    REQUIRE_THROWS_AS(getter.result(), closed_error);

    thread_queue<int> dropped;
    co_await dropped.put(1);
    auto joiner = spawn([&]() -> task<> { co_await dropped.join(); });
    co_await sleep_for(1ms);
    dropped.close();
    co_await sleep_for(1ms);
    REQUIRE(!joiner.done());
    dropped.close(close_mode::discard);
    co_await joiner;
    REQUIRE(dropped.empty());
}

TEST_CASE("thread_queue: what is discarded may use the queue in its destructor", "[thread_queue]") {
    using item = std::shared_ptr<void>;
    thread_queue<item> q;
    std::size_t left = 1;
    q.try_put(item(nullptr, [&](void*) { left = q.size(); }));
    q.close(close_mode::discard);
    REQUIRE(left == 0);
}

// --- misuse

TEST_CASE("thread_queue: a call that a task forgets to await is reported", "[thread_queue]") {
    thread_queue<int> q;
    std::string report;
    run(virtual_clock(), [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure& f) { report = f.report; });
        q.put(1);
        co_return;
    });
    REQUIRE_THAT(
        report,
        Catch::Matchers::Contains(
            "thread_queue.put was called on the thread of a loop and not awaited"
        )
    );
    REQUIRE(q.empty());
}

TEST_CASE("thread_queue: a call in what was posted, where none is awaited", "[thread_queue]") {
    thread_queue<int> q;
    std::string report;
    auto const main = [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure& f) { report += f.report; });
        this_loop().post([&] {
            q.try_put(1);
            q.put(2);
            // One that a task awaits is in order.
            spawn(
                [](thread_queue<int>::put_operation put) -> task<> { co_await std::move(put); },
                q.put(3)
            );
        });
        co_await yield();
    };
    run(virtual_clock(), main);
    REQUIRE_THAT(
        report,
        Catch::Matchers::Contains(
            "thread_queue.put was called on the thread of a loop and not awaited"
        )
    );
    REQUIRE(report.find("thread_queue.put", report.find("not awaited")) == std::string::npos);
    REQUIRE(q.try_get() == 1);
    REQUIRE(q.try_get() == 3);
    REQUIRE(q.empty());
}

TEST_CASE("thread_queue: a task that never begins forgets no call", "[thread_queue]") {
    thread_queue<int> q;
    std::string report;
    run(virtual_clock(), [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure& f) { report = f.report; });
        auto h = spawn(
            [](thread_queue<int>::put_operation put) -> task<> { co_await std::move(put); },
            q.put(3)
        );
        h.cancel();
        co_return;
    });
    REQUIRE(report.empty());
    REQUIRE(q.empty());
}

GREEN_TEST("thread_queue: a task does not block its loop's thread", "[thread_queue]") {
    thread_queue<int> q(1);
    REQUIRE_THROWS_AS(q.try_get_for(1s), std::logic_error);
    bool const put = q.try_put_for(1, 1s);  // there is room: it need not block
    REQUIRE(put);
    REQUIRE_THROWS_AS(q.try_put_for(2, 1s), std::logic_error);
    co_return;
}

// --- threads

TEST_CASE("thread_queue: threads block until there is room or an item", "[thread_queue]") {
    thread_queue<std::unique_ptr<int>> q(1);
    int in_order = 0;
    std::thread getter([&] {
        for (int i = 0; i < 1000; ++i) {
            std::unique_ptr<int> item = q.get();
            in_order += *item == i ? 1 : 0;
            q.task_done();
        }
    });
    for (int i = 0; i < 1000; ++i) q.put(std::make_unique<int>(i));
    q.join();
    getter.join();
    REQUIRE(in_order == 1000);
    REQUIRE(!q.try_get_for(1ms));
    REQUIRE(q.try_put_for(nullptr, 1ms));
    REQUIRE(!q.try_put_for(nullptr, 1ms));
    q.close();
    REQUIRE_THROWS_AS(q.put(nullptr), closed_error);
}

TEST_CASE("thread_queue: closing wakes threads that block", "[thread_queue]") {
    thread_queue<int> full(1);
    thread_queue<int> empty;
    full.put(1);
    std::atomic<int> woken{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            try {
                full.put(2);
            } catch (const closed_error&) {
                ++woken;
            }
        });
        threads.emplace_back([&] {
            try {
                int const item = empty.get();
                (void)item;
            } catch (const closed_error&) {
                ++woken;
            }
        });
    }
    std::this_thread::sleep_for(2ms);
    full.close();
    empty.close();
    for (auto& t : threads) t.join();
    REQUIRE(woken == 6);
}

// conformance 210: nothing hangs, nothing is lost, with threads and loops on both sides.
TEST_CASE("thread_queue: threads and loops, many to many", "[thread_queue]") {
    constexpr int per_producer = 2000;
    thread_queue<int> q(8);
    std::mutex mutex;
    std::multiset<int> got;
    auto const note = [&](int item) {
        std::lock_guard const lock(mutex);
        got.insert(item);
    };
    auto const consume_in_loop = [&] {
        run([&]() -> task<> {
            auto const worker = [&]() -> task<> {
                for (;;) {
                    auto const item = co_await move_on_after(1ms, q.get());
                    if (item) note(*item);
                }
            };
            auto const until_closed = [&]() -> task<> {
                try {
                    co_await worker();
                } catch (const closed_error&) {}
            };
            auto a = spawn(until_closed);
            auto b = spawn(until_closed);
            co_await a;
            co_await b;
        });
    };
    auto const consume_in_thread = [&] {
        try {
            for (;;) note(q.get());
        } catch (const closed_error&) {}
    };
    auto const produce_in_loop = [&] {
        run([&]() -> task<> {
            for (int i = 0; i < per_producer; ++i) {
                bool sent = false;
                while (!sent) sent = co_await move_on_after(1ms, q.put(i));
            }
        });
    };
    auto const produce_in_thread = [&] {
        for (int i = 0; i < per_producer; ++i) q.put(i);
    };
    std::vector<std::thread> consumers;
    consumers.emplace_back(consume_in_loop);
    consumers.emplace_back(consume_in_loop);
    consumers.emplace_back(consume_in_thread);
    std::vector<std::thread> producers;
    producers.emplace_back(produce_in_loop);
    producers.emplace_back(produce_in_loop);
    producers.emplace_back(produce_in_thread);
    for (auto& t : producers) t.join();
    q.close();
    for (auto& t : consumers) t.join();

    REQUIRE(got.size() == 3 * per_producer);
    for (int i = 0; i < per_producer; ++i) REQUIRE(got.count(i) == 3);
}

GREEN_TEST_REAL_CLOCK(
    "thread_queue: a task waits for a thread without a deadlock", "[thread_queue]"
) {
    thread_queue<std::string> lines;
    std::thread reader([&] {
        std::this_thread::sleep_for(2ms);
        lines.put("one");
        lines.close();
    });
    std::string const line = co_await lines.get();
    REQUIRE(line == "one");
    bool closed = false;
    try {
        co_await lines.get();
    } catch (const closed_error&) {
        closed = true;
    }
    REQUIRE(closed);
    reader.join();
}
