#include <green/sync/queue.hpp>

#include "support/exchange_model.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

// Catch2 v2 and v3 have TEMPLATE_TEST_CASE; a green task as its body they have not. So what holds for all
// three queues is written as a template and called three times.

namespace {

using namespace green;
using namespace green_test;

task<> settle() {
    for (int i = 0; i < 5; ++i) co_await yield();
}

template <class Queue>
struct talk {
    Queue& q;
    recorder log{};

    task<> put(int n) {
        try {
            co_await q.put(n);
            log.note("p" + std::to_string(n));
        } catch (const closed_error&) {
            log.note("p" + std::to_string(n) + "=closed");
        }
    }
    task<> get(int who) {
        std::string text = "g" + std::to_string(who) + "=";
        try {
            int const n = co_await q.get();
            text += std::to_string(n);
        } catch (const closed_error&) {
            text += "closed";
        }
        log.note(text);
    }
    task<> join() {
        co_await q.join();
        log.note("joined");
    }
    join_handle<void> putter(int n) { return spawn(&talk::put, this, n); }
    join_handle<void> getter(int who) { return spawn(&talk::get, this, who); }
    join_handle<void> joiner() { return spawn(&talk::join, this); }
};

/// `body` with a queue of each kind.
#define EACH_QUEUE(test, ...) \
    template <class Queue> \
    task<> test(); \
    GREEN_TEST(__VA_ARGS__) { \
        co_await test<queue<int>>(); \
        co_await test<lifo_queue<int>>(); \
        co_await test<priority_queue<int>>(); \
    } \
    template <class Queue> \
    task<> test()

struct notices {
    bool ran = false;
    task<> run() {
        ran = true;
        co_return;
    }
};

// --- put

EACH_QUEUE(put_at_once, "queue.put: with room it does not suspend", "[queue]") {
    Queue q(2);
    notices n;
    auto h = spawn(&notices::run, &n);
    co_await q.put(1);
    co_await q.put(2);
    REQUIRE_FALSE(n.ran);
    REQUIRE(q.full());
    REQUIRE_FALSE(q.try_put(3));
    REQUIRE(q.size() == 2);
    REQUIRE(q.unfinished() == 2);
    co_await h;
}

EACH_QUEUE(put_later, "queue.put: suspends while it is full, then completes", "[queue]") {
    Queue q(1);
    talk<Queue> t{q};
    co_await q.put(1);
    t.putter(2);
    co_await settle();
    REQUIRE(t.log.text().empty());
    REQUIRE(q.unfinished() == 1);
    int const n = co_await q.get();
    REQUIRE(n == 1);
    REQUIRE(q.size() == 1);
    REQUIRE(q.unfinished() == 2);
    co_await settle();
    REQUIRE(t.log.text() == "p2");
}

EACH_QUEUE(put_not_begun, "queue.put: cancelled before it starts", "[queue]") {
    Queue q;
    auto const body = [&]() -> task<> {
        co_await shield(yield());
        co_await q.put(1);
    };
    auto h = spawn(body);
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(q.empty());
    REQUIRE(q.unfinished() == 0);
}

EACH_QUEUE(put_cancelled, "queue.put: cancelled while it waits", "[queue]") {
    Queue q(1);
    talk<Queue> t{q};
    co_await q.put(1);
    auto first = t.putter(2);
    t.putter(3);
    co_await settle();
    first.cancel();
    int n = co_await q.get();
    REQUIRE(n == 1);
    co_await first.join();
    REQUIRE(first.cancelled());
    n = co_await q.get();
    REQUIRE(n == 3);
    REQUIRE(q.unfinished() == 2);
    REQUIRE(t.log.text() == "p3");
}

EACH_QUEUE(put_and_cancelled, "queue.put: accepted and cancelled in the same turn", "[queue]") {
    Queue q(1);
    talk<Queue> t{q};
    co_await q.put(1);
    auto h = t.putter(2);
    co_await settle();
    auto const n = q.try_get();
    h.cancel();
    REQUIRE(n == 1);
    co_await h.join();
    REQUIRE(h.successful());
    REQUIRE(t.log.text() == "p2");
    REQUIRE(q.try_get() == 2);
}

// --- get

EACH_QUEUE(get_at_once, "queue.get: an item that is there does not suspend", "[queue]") {
    Queue q;
    co_await q.put(7);
    notices seen;
    auto h = spawn(&notices::run, &seen);
    int const n = co_await q.get();
    REQUIRE(n == 7);
    REQUIRE_FALSE(seen.ran);
    REQUIRE_FALSE(q.try_get().has_value());
    co_await h;
}

EACH_QUEUE(get_later, "queue.get: suspends while it is empty, then completes", "[queue]") {
    Queue q(1);
    talk<Queue> t{q};
    t.getter(1);
    co_await settle();
    REQUIRE(t.log.text().empty());
    co_await q.put(5);
    REQUIRE(q.empty());  // it went straight to the getter
    REQUIRE(q.unfinished() == 1);
    co_await settle();
    REQUIRE(t.log.text() == "g1=5");
}

EACH_QUEUE(get_not_begun, "queue.get: cancelled before it starts", "[queue]") {
    Queue q;
    co_await q.put(1);
    auto const body = [&]() -> task<> {
        co_await shield(yield());
        co_await q.get();
    };
    auto h = spawn(body);
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(q.size() == 1);
}

// conformance 178
EACH_QUEUE(get_cancelled, "queue.get: cancelled while it waits", "[queue]") {
    Queue q;
    talk<Queue> t{q};
    auto first = t.getter(1);
    t.getter(2);
    co_await settle();
    first.cancel();
    co_await q.put(5);
    co_await first.join();
    co_await settle();
    REQUIRE(first.cancelled());
    REQUIRE(t.log.text() == "g2=5");
}

// conformance 178
EACH_QUEUE(get_and_cancelled, "queue.get: handed an item and cancelled in one turn", "[queue]") {
    Queue q;
    talk<Queue> t{q};
    auto first = t.getter(1);
    t.getter(2);
    co_await settle();
    REQUIRE(q.try_put(5));
    first.cancel();
    REQUIRE(q.try_put(6));
    co_await first.join();
    co_await settle();
    REQUIRE(first.successful());
    REQUIRE(t.log.text() == "g1=5 g2=6");
}

// --- join

// conformance 181
EACH_QUEUE(join_at_once, "queue.join: of an empty queue does not suspend", "[queue]") {
    Queue q;
    notices n;
    auto h = spawn(&notices::run, &n);
    co_await q.join();
    REQUIRE_FALSE(n.ran);
    co_await q.put(1);
    co_await q.get();
    q.task_done();
    co_await q.join();
    REQUIRE_FALSE(n.ran);
    co_await h;
}

// conformance 181
EACH_QUEUE(join_later, "queue.join: wakes when the last item is done", "[queue]") {
    Queue q;
    talk<Queue> t{q};
    co_await q.put(1);
    co_await q.put(2);
    t.joiner();
    t.joiner();
    co_await settle();
    co_await q.get();
    co_await q.get();
    co_await settle();
    REQUIRE(t.log.text().empty());  // an empty queue is not a finished one
    q.task_done();
    co_await settle();
    REQUIRE(t.log.text().empty());
    q.task_done();
    co_await settle();
    REQUIRE(t.log.text() == "joined joined");
}

EACH_QUEUE(join_not_begun, "queue.join: cancelled before it starts", "[queue]") {
    Queue q;
    auto const body = [&]() -> task<> {
        co_await shield(yield());
        co_await q.join();
    };
    auto h = spawn(body);
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
}

EACH_QUEUE(join_cancelled, "queue.join: cancelled while it waits", "[queue]") {
    Queue q;
    talk<Queue> t{q};
    co_await q.put(1);
    auto first = t.joiner();
    t.joiner();
    co_await settle();
    first.cancel();
    co_await first.join();
    REQUIRE(first.cancelled());
    REQUIRE(q.unfinished() == 1);
    co_await q.get();
    q.task_done();
    co_await settle();
    REQUIRE(t.log.text() == "joined");
}

EACH_QUEUE(join_and_cancelled, "queue.join: done and cancelled in the same turn", "[queue]") {
    Queue q;
    talk<Queue> t{q};
    co_await q.put(1);
    auto h = t.joiner();
    co_await settle();
    co_await q.get();
    q.task_done();
    h.cancel();
    REQUIRE(q.try_put(2));  // too late for the joiner
    co_await h.join();
    REQUIRE(h.successful());
    REQUIRE(t.log.text() == "joined");
}

// --- all

template <class Queue>
void destroyed_by_the_end() {
    Queue full(1);
    Queue empty;
    census frames;
    auto const puts = [&](tracker) -> task<> {
        co_await full.put(1);
        co_await full.put(2);
    };
    auto const gets = [&](tracker) -> task<> { co_await empty.get(); };
    auto const joins = [&](tracker) -> task<> { co_await full.join(); };
    run(virtual_clock(), [&]() -> task<> {
        spawn(puts, tracker(frames));
        spawn(gets, tracker(frames));
        spawn(joins, tracker(frames));
        co_await sleep_for(1ms);
    });
    REQUIRE(frames.born() >= 3);
    REQUIRE(frames.clean());
    REQUIRE(full.size() == 1);
    REQUIRE(full.unfinished() == 1);
    REQUIRE(empty.try_put(1));
    REQUIRE(empty.size() == 1);
}

TEST_CASE("queue: waiters are destroyed by the end of the run", "[queue]") {
    destroyed_by_the_end<queue<int>>();
    destroyed_by_the_end<lifo_queue<int>>();
    destroyed_by_the_end<priority_queue<int>>();
}

// conformance 174
template <class Queue>
std::string order_of(std::vector<int> items, Queue q = Queue()) {
    for (int n : items) q.try_put(n);
    std::string got;
    while (auto n = q.try_get()) got += std::to_string(*n) + " ";
    return got;
}

TEST_CASE("queue: the order of the items", "[queue]") {
    REQUIRE(order_of<queue<int>>({3, 1, 4, 1, 5}) == "3 1 4 1 5 ");
    REQUIRE(order_of<lifo_queue<int>>({3, 1, 4, 1, 5}) == "5 1 4 1 3 ");
    REQUIRE(order_of<priority_queue<int>>({3, 1, 4, 1, 5}) == "1 1 3 4 5 ");
    REQUIRE(order_of<priority_queue<int, std::greater<>>>({3, 1, 4, 1, 5}) == "5 4 3 1 1 ");
}

// conformance 177
EACH_QUEUE(fifo_getters, "queue: getters are served in the order in which they came", "[queue]") {
    Queue q;
    talk<Queue> t{q};
    for (int i = 1; i <= 3; ++i) t.getter(i);
    co_await settle();
    for (int i : {5, 9, 1}) co_await q.put(i);
    co_await settle();
    REQUIRE(t.log.text() == "g1=5 g2=9 g3=1");
}

EACH_QUEUE(fifo_putters, "queue: putters are served in the order in which they came", "[queue]") {
    Queue q(1);
    talk<Queue> t{q};
    for (int i : {5, 9, 1, 7}) t.putter(i);
    co_await settle();
    std::string got;
    for (int i = 0; i < 4; ++i) {
        int const n = co_await q.get();
        got += std::to_string(n);
        REQUIRE((i == 3 || q.full()));
        REQUIRE((i == 3 || !q.try_put(0)));
    }
    co_await settle();
    REQUIRE(got == "5917");  // with room for one there is no other order
    REQUIRE(t.log.text() == "p5 p9 p1 p7");
}

GREEN_TEST("queue: what waits to be put is not in the queue yet", "[queue]") {
    lifo_queue<int> stack(2);
    priority_queue<int> heap(2);
    talk<lifo_queue<int>> s{stack};
    talk<priority_queue<int>> h{heap};
    for (int i : {3, 2, 1}) {
        s.putter(i);
        h.putter(i);
    }
    co_await settle();
    std::string got;
    for (int i = 0; i < 3; ++i) got += std::to_string(stack.try_get().value());
    for (int i = 0; i < 3; ++i) got += std::to_string(heap.try_get().value());
    REQUIRE(got == "213213");
    co_await settle();
    REQUIRE(s.log.text() == "p3 p2 p1");
    REQUIRE(h.log.text() == "p3 p2 p1");
}

EACH_QUEUE(limits, "queue: with_timeout and move_on_after", "[queue]") {
    Queue q(1);
    auto const start = now();
    auto const nothing = co_await move_on_after(2ms, q.get());
    REQUIRE_FALSE(nothing.has_value());
    co_await q.put(1);
    bool const accepted = co_await move_on_after(3ms, q.put(2));
    REQUIRE_FALSE(accepted);
    bool const joined = co_await move_on_after(4ms, q.join());
    REQUIRE_FALSE(joined);
    REQUIRE(now() - start == 9ms);
    int const n = co_await with_timeout(1ms, q.get());
    REQUIRE(n == 1);
    q.task_done();
    co_await with_timeout(1ms, q.join());
    REQUIRE(now() - start == 9ms);
    REQUIRE(q.empty());
    REQUIRE(q.unfinished() == 0);
}

// conformance 180
EACH_QUEUE(no_growth, "queue: a wait that times out leaves nothing behind", "[queue]") {
    Queue q(1);
    for (int i = 0; i < 50'000; ++i) {
        auto const got = co_await move_on_after(0ns, q.get());
        if (got) throw std::runtime_error("an item of nobody");
    }
    REQUIRE(q.try_put(0));
    REQUIRE(q.size() == 1);
    for (int i = 0; i < 50'000; ++i) {
        bool const in_time = i % 2 == 0 ? co_await move_on_after(0ns, q.put(i))
                                        : co_await move_on_after(0ns, q.join());
        if (in_time) throw std::runtime_error("there was neither room nor an end");
    }
    REQUIRE(q.try_get() == 0);
    REQUIRE(q.empty());
    REQUIRE(q.unfinished() == 1);
}

// --- the account

// conformance 181
EACH_QUEUE(too_often, "queue.task_done: more often than there were items", "[queue]") {
    Queue q;
    std::string const what = "called more often than there were items";
    REQUIRE_THROWS_WITH(q.task_done(), "green: queue.task_done: " + what);
    q.set_name("jobs");
    co_await q.put(1);
    q.task_done();  // as in Python it need not have been got
    REQUIRE_THROWS_AS(q.task_done(), std::logic_error);
    REQUIRE_THROWS_WITH(q.task_done(), "green: queue.task_done of 'jobs': " + what);
    REQUIRE(q.unfinished() == 0);
    co_await q.join();
}

// conformance 181: gevent's test_task_done
GREEN_TEST("queue.task_done: by several workers", "[queue]") {
    queue<int> q;
    int sum = 0;
    auto const worker = [&]() -> task<> {
        for (;;) {
            int const n = co_await q.get();
            co_await sleep_for(1ms);
            sum += n;
            q.task_done();
        }
    };
    std::vector<join_handle<void>> workers;
    for (int i = 0; i < 3; ++i) workers.push_back(spawn(worker));
    for (int i = 0; i < 30; ++i) co_await q.put(i);
    co_await q.join();
    REQUIRE(sum == 435);
    REQUIRE(elapsed() == 10ms);
    for (auto& h : workers) h.cancel();
    co_await settle();
}

// --- close

EACH_QUEUE(close_drain, "queue.close: what is in it can still be got", "[queue]") {
    Queue q(2);
    q.set_name("jobs");
    co_await q.put(1);
    q.close();
    REQUIRE(q.closed());
    std::string what;
    try {
        co_await q.put(2);
    } catch (const closed_error& e) {
        what = e.what();
    }
    REQUIRE(what.find("queue.put of 'jobs': closed") != std::string::npos);
    REQUIRE_THROWS_AS(q.try_put(2), closed_error);
    int const n = co_await q.get();
    REQUIRE(n == 1);
    try {
        co_await q.get();
    } catch (const closed_error& e) {
        what = e.what();
    }
    REQUIRE(what.find("queue.get of 'jobs': closed") != std::string::npos);
    REQUIRE_THROWS_AS(q.try_get(), closed_error);
    REQUIRE(q.unfinished() == 1);
    q.task_done();
    co_await q.join();
}

EACH_QUEUE(close_waiters, "queue.close: wakes who waits, in order", "[queue]") {
    Queue full(1);
    talk<Queue> t{full};
    co_await full.put(0);
    t.putter(1);
    t.putter(2);
    co_await settle();
    full.close();
    co_await settle();
    REQUIRE(t.log.text() == "p1=closed p2=closed");
    REQUIRE(full.unfinished() == 1);
    Queue empty;
    talk<Queue> u{empty};
    u.getter(1);
    u.getter(2);
    co_await settle();
    empty.close();
    co_await settle();
    REQUIRE(u.log.text() == "g1=closed g2=closed");
}

// conformance 184
EACH_QUEUE(close_discard, "queue.close: dropped items count as done", "[queue]") {
    Queue q(3);
    talk<Queue> t{q};
    for (int i = 1; i <= 3; ++i) co_await q.put(i);
    t.putter(4);
    t.joiner();
    co_await settle();
    co_await q.get();  // 4 moves up
    q.close(close_mode::discard);
    REQUIRE(q.empty());
    REQUIRE(q.unfinished() == 1);  // the one that was got
    REQUIRE_THROWS_AS(q.try_get(), closed_error);
    co_await settle();
    REQUIRE(t.log.text() == "p4");
    q.task_done();
    co_await settle();
    REQUIRE(t.log.text() == "p4 joined");
    REQUIRE_THROWS_AS(q.task_done(), std::logic_error);
}

// conformance 184
EACH_QUEUE(discard_done, "queue.close: items that were called done too early", "[queue]") {
    Queue q;
    for (int i = 1; i <= 3; ++i) co_await q.put(i);
    q.task_done();
    q.task_done();
    q.close(close_mode::discard);
    REQUIRE(q.unfinished() == 0);
    REQUIRE_THROWS_AS(q.task_done(), std::logic_error);
    co_await q.join();
}

// conformance 185
EACH_QUEUE(close_again, "queue.close: again, and to discard what was left", "[queue]") {
    Queue q;
    for (int i = 1; i <= 3; ++i) co_await q.put(i);
    q.close();
    q.close();
    REQUIRE(q.size() == 3);
    co_await q.get();
    q.close(close_mode::discard);
    REQUIRE(q.empty());
    REQUIRE(q.unfinished() == 1);
    q.close(close_mode::discard);
    q.close();
    REQUIRE(q.unfinished() == 1);
    q.task_done();
}

EACH_QUEUE(close_and_go, "queue.close: the queue may be gone when they resume", "[queue]") {
    auto full = std::make_unique<Queue>(1);
    auto empty = std::make_unique<Queue>();
    talk<Queue> t{*full};
    talk<Queue> u{*empty};
    co_await full->put(0);
    full->set_name("a name that is too long to be kept in a string itself");
    empty->set_name("a name that is too long to be kept in a string itself");
    auto putter = t.putter(1);
    auto getter = u.getter(1);
    co_await settle();
    full->close();
    empty->close();
    full.reset();
    empty.reset();
    co_await putter;
    co_await getter;
    REQUIRE(t.log.text() == "p1=closed");
    REQUIRE(u.log.text() == "g1=closed");
}

// --- what goes through

GREEN_TEST("queue: of what can only be moved", "[queue]") {
    queue<std::unique_ptr<int>> fifo(1);
    lifo_queue<std::unique_ptr<int>> lifo(1);
    auto const by_value = [](const auto& a, const auto& b) { return *a < *b; };
    priority_queue<std::unique_ptr<int>, decltype(by_value)> heap(0, by_value);
    co_await with_timeout(1s, fifo.put(std::make_unique<int>(1)));
    co_await with_timeout(1s, lifo.put(std::make_unique<int>(2)));
    for (int i : {3, 5, 4}) co_await with_timeout(1s, heap.put(std::make_unique<int>(i)));
    auto const one = co_await with_timeout(1s, fifo.get());
    auto const two = co_await with_timeout(1s, lifo.get());
    REQUIRE(*one == 1);
    REQUIRE(*two == 2);
    std::string got;
    while (auto p = heap.try_get()) got += std::to_string(**p);
    REQUIRE(got == "345");
    auto kept = std::make_unique<int>(6);
    REQUIRE(fifo.try_put(std::move(kept)));
    kept = std::make_unique<int>(7);
    REQUIRE_FALSE(fifo.try_put(std::move(kept)));
    REQUIRE(*kept == 7);
}

TEST_CASE("queue: of bool", "[queue]") {
    REQUIRE(order_of<queue<bool>>({1, 0, 1}) == "1 0 1 ");
    REQUIRE(order_of<lifo_queue<bool>>({1, 1, 0}) == "0 1 1 ");
    REQUIRE(order_of<priority_queue<bool>>({1, 0, 1}) == "0 1 1 ");
}

/// Cannot be assigned, and throws on demand when it is copied, which is its only way to move.
struct fragile {
    fragile(int n, census& c) : value(n), life(c) {}
    fragile(const fragile& o) : value(o.value), life(o.life) {
        if (countdown > 0 && --countdown == 0) throw std::runtime_error("no copy");
    }
    const int value;
    tracker life;
    friend bool operator<(const fragile& a, const fragile& b) { return a.value < b.value; }
    static inline int countdown = 0;  // the copy that throws, counted from now
};

template <class Queue>
void keeps_count() {
    census c;
    {
        Queue q;
        std::size_t items = 0;
        for (int round = 0; round < 200; ++round) {
            fragile const one((round * 37) % 101, c);
            fragile::countdown = 1 + round % 7;
            try {
                if (round % 5 == 4) {
                    if (q.try_get()) --items;
                } else if (q.try_put(one)) {
                    ++items;
                }
            } catch (const std::runtime_error&) {}
            fragile::countdown = 0;
            REQUIRE(q.size() == items);
            REQUIRE(c.live() == static_cast<int>(items) + 1);
            REQUIRE(q.unfinished() >= items);
        }
        int last = -1;
        for (; items > 0; --items) {
            auto const got = q.try_get();
            if constexpr (std::is_same_v<Queue, priority_queue<fragile>>) {
                REQUIRE(got->value >= last);
            }
            last = got->value;
        }
        REQUIRE(q.empty());
    }
    REQUIRE(c.clean());
}

// conformance 182
TEST_CASE("queue: an item whose copy throws leaves the account right", "[queue]") {
    keeps_count<queue<fragile>>();
    keeps_count<lifo_queue<fragile>>();
    keeps_count<priority_queue<fragile>>();
}

// conformance 182
TEST_CASE("priority_queue: a comparison that throws has changed nothing", "[queue]") {
    int countdown = 0;
    auto const compare = [&](const std::unique_ptr<int>& a, const std::unique_ptr<int>& b) {
        if (countdown > 0 && --countdown == 0) throw std::runtime_error("cannot compare");
        return *a < *b;
    };
    priority_queue<std::unique_ptr<int>, decltype(compare)> q(0, compare);
    std::size_t put = 0;
    std::size_t got = 0;
    for (int round = 0; round < 500; ++round) {
        countdown = 1 + round % 6;
        auto i = std::make_unique<int>((round * 7919) % 1009);
        try {
            if (round % 4 == 3) {
                if (q.try_get()) ++got;
            } else {
                q.try_put(std::move(i));
                ++put;
            }
        } catch (const std::runtime_error&) {
            REQUIRE(i != nullptr);
        }
        countdown = 0;
        REQUIRE(q.size() == put - got);
        REQUIRE(q.unfinished() == put);
    }
    REQUIRE(q.size() > 10);
    for (int last = 0; got < put; ++got) {
        auto const next = q.try_get();
        REQUIRE(**next >= last);
        last = **next;
    }
}

TEST_CASE("priority_queue: of equal items the one that came first", "[queue]") {
    struct job {
        int priority;
        int number;
    };
    auto const compare = [](const job& a, const job& b) { return a.priority < b.priority; };
    for (int priorities : {1, 2, 3, 10}) {
        priority_queue<job, decltype(compare)> q(0, compare);
        random_numbers random(static_cast<std::uint64_t>(priorities));
        job last{-1, -1};
        for (int i = 0; i < 2000; ++i) q.try_put(job{random.below(priorities), i});
        for (int i = 0; i < 2000; ++i) {
            auto const next = q.try_get();
            auto const before = std::tuple(last.priority, last.number);
            REQUIRE(before < std::tuple(next->priority, next->number));
            last = *next;
        }
    }
}

struct calls_at_end {
    std::function<void()> f;
    explicit calls_at_end(std::function<void()> g) : f(std::move(g)) {}
    calls_at_end(calls_at_end&& o) noexcept : f(std::exchange(o.f, nullptr)) {}
    calls_at_end& operator=(calls_at_end&& o) noexcept {
        std::swap(f, o.f);
        return *this;
    }
    ~calls_at_end() {
        if (f) f();
    }
    friend bool operator<(const calls_at_end&, const calls_at_end&) { return false; }
};

template <class Queue>
void destructors_use_it() {
    Queue q;
    int ends = 0;
    for (int i = 0; i < 3; ++i) {
        q.try_put(calls_at_end([&] {
            ++ends;
            REQUIRE(q.empty());
            q.close(close_mode::discard);
            REQUIRE_THROWS_AS(q.try_get(), closed_error);
        }));
    }
    q.close(close_mode::discard);
    REQUIRE(ends == 3);
    REQUIRE(q.unfinished() == 0);
}

// conformance 186
TEST_CASE("queue.close: the destructors of dropped items may use the queue", "[queue]") {
    destructors_use_it<queue<calls_at_end>>();
    destructors_use_it<lifo_queue<calls_at_end>>();
    destructors_use_it<priority_queue<calls_at_end>>();
}

// --- fairness and reports

// conformance 308
EACH_QUEUE(fair, "queue: who is always ready starves nobody", "[queue]") {
    Queue q;
    bool stop = false;
    int passed = 0;
    auto const busy = [&]() -> task<> {
        while (!stop) {
            co_await q.put(1);
            co_await q.get();
            q.task_done();
            co_await q.join();
            ++passed;
        }
    };
    auto h = spawn(busy);
    for (int i = 0; i < 10; ++i) co_await yield();
    stop = true;
    co_await h;
    REQUIRE(passed > 0);
    REQUIRE(passed < 10'000);
}

TEST_CASE("queue: in a report of a deadlock", "[queue]") {
    queue<int> jobs(1);
    lifo_queue<int> stack;
    priority_queue<int> heap;
    jobs.set_name("jobs");
    stack.set_name("stack");
    REQUIRE(jobs.try_put(1));
    auto const puts = [&]() -> task<> { co_await jobs.put(2); };
    auto const joins = [&]() -> task<> { co_await jobs.join(); };
    auto const gets = [&]() -> task<> { co_await stack.get(); };
    std::string text;
    try {
        run(virtual_clock(), [&]() -> task<> {
            spawn({.name = "putter"}, puts);
            spawn({.name = "joiner"}, joins);
            spawn({.name = "getter"}, gets);
            co_await heap.get();
        });
    } catch (const deadlock_error& e) {
        text = e.what();
    }
    INFO(text);
    for (const char* line :
         {"'putter' waits for queue.put of 'jobs'",
          "'joiner' waits for queue.join of 'jobs' (1 unfinished)",
          "'getter' waits for lifo_queue.get of 'stack'", "'main' waits for priority_queue.get"}) {
        INFO(line);
        REQUIRE(text.find(line) != std::string::npos);
    }
}

template <class Queue>
void compare_queue(std::size_t capacity, item_order order) {
    world_spec const spec{{{capacity == 0 ? 1'000'000 : capacity, order, true}}};
    compare_with_model(spec, [&] { return std::make_unique<single_subject<Queue>>(capacity); });
}

TEST_CASE("queue: as its model", "[queue][model]") {
    compare_queue<queue<item>>(0, item_order::first);
    compare_queue<queue<item>>(2, item_order::first);
}
TEST_CASE("lifo_queue: as its model", "[queue][model]") {
    compare_queue<lifo_queue<item>>(3, item_order::last);
}
TEST_CASE("priority_queue: as its model", "[queue][model]") {
    compare_queue<priority_queue<item>>(0, item_order::smallest);
    compare_queue<priority_queue<item>>(4, item_order::smallest);
}

}  // namespace
