#include "executor/process_queue_support.hpp"
#include "support/green_test.hpp"

#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace green;
using namespace green_test;

// The queue over a connection, from a process that does not own it. `look` makes sure that what was
// asked before has arrived: the owner answers in order.

namespace {

using numbers = process_queue<int>;

void look(const process_queue<int>& q) { static_cast<void>(q.size()); }

}  // namespace

// --- the five tests, for get, put and join

GREEN_TEST_REAL_CLOCK("process_queue link: what is there is got", "[process_queue]") {
    process_queue<int> const q(2);
    process_queue<int> const other = from_outside(q);
    co_await other.join();
    co_await other.put(1);
    REQUIRE(q.size() == 1);
    REQUIRE(other.size() == 1);
    REQUIRE(other.unfinished() == 1);
    int const item = co_await other.get();
    REQUIRE(item == 1);
    other.task_done();
    REQUIRE_THROWS_AS(other.task_done(), std::logic_error);
    co_await other.join();
    REQUIRE(q.unfinished() == 0);
}

GREEN_TEST_REAL_CLOCK("process_queue link: waits, then completes", "[process_queue]") {
    process_queue<int> const q(1);
    process_queue<int> const other = from_outside(q);
    auto getter = spawn(get_from, other);
    co_await yield();
    look(other);
    REQUIRE(!getter.done());
    co_await q.put(1);
    int const first = co_await getter;
    REQUIRE(first == 1);

    co_await q.put(2);
    REQUIRE(other.full());
    auto putter = spawn(put_into, other, 3);
    auto joiner = spawn(join_it, other);
    co_await yield();
    look(other);
    REQUIRE(!putter.done());
    int const second = co_await q.get();
    co_await putter;
    int const third = co_await q.get();
    REQUIRE(second == 2);
    REQUIRE(third == 3);
    q.task_done();
    q.task_done();
    look(other);
    REQUIRE(!joiner.done());
    other.task_done();
    co_await joiner;
}

GREEN_TEST_REAL_CLOCK("process_queue link: cancelled before it starts", "[process_queue]") {
    process_queue<int> const q;
    process_queue<int> const other = from_outside(q);
    auto putter = spawn(put_into, other, 1);
    auto getter = spawn([&]() -> task<> {
        co_await yield();
        co_await other.get();
    });
    putter.cancel();
    co_await yield();
    getter.cancel();
    co_await q.put(5);
    co_await putter.join();
    co_await getter.join();
    REQUIRE(putter.cancelled());
    REQUIRE(getter.cancelled());
    REQUIRE(other.size() == 1);
}

GREEN_TEST_REAL_CLOCK("process_queue link: cancelled while it waits", "[process_queue]") {
    process_queue<int> const q(1);
    process_queue<int> const other = from_outside(q);
    census frames;
    auto getter = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await other.get();
    });
    co_await yield();
    look(other);
    getter.cancel();
    co_await getter.join();
    REQUIRE(getter.cancelled());
    REQUIRE(frames.clean());
    co_await q.put(1);
    REQUIRE(q.size() == 1);

    auto putter = spawn(put_into, other, 2);
    auto joiner = spawn(join_it, other);
    co_await yield();
    look(other);
    putter.cancel();
    joiner.cancel();
    co_await putter.join();
    co_await joiner.join();
    REQUIRE(putter.cancelled());
    REQUIRE(joiner.cancelled());
    auto const item = q.try_get();
    REQUIRE(item == 1);
    REQUIRE(q.empty());
}

GREEN_TEST_REAL_CLOCK("process_queue link: a result that was faster wins", "[process_queue]") {
    process_queue<int> const q(1);
    process_queue<int> const other = from_outside(q);
    int got = 0;
    auto getter = spawn([&]() -> task<> {
        got = co_await other.get();
        co_await yield();
        got = -1;
    });
    co_await yield();
    look(other);
    co_await q.put(7);  // is on its way to the getter
    getter.cancel();
    co_await getter.join();
    REQUIRE(got == 7);
    REQUIRE(getter.cancelled());

    bool went_on = false;
    co_await q.put(8);
    auto putter = spawn([&]() -> task<> {
        co_await other.put(9);
        went_on = true;
        co_await yield();
        went_on = false;
    });
    co_await yield();
    look(other);
    int const eight = co_await q.get();
    putter.cancel();
    co_await putter.join();
    REQUIRE(eight == 8);
    REQUIRE(went_on);
    REQUIRE(putter.cancelled());
    int const nine = co_await q.get();
    REQUIRE(nine == 9);
}

GREEN_TEST_REAL_CLOCK("process_queue link: cancel and put cross each other", "[process_queue]") {
    process_queue<int> const q;
    process_queue<int> const other = from_outside(q);
    int lost = 0;
    for (int i = 0; i < 200; ++i) {
        bool got = false;
        auto getter = spawn([&]() -> task<> {
            co_await other.get();
            got = true;
        });
        co_await yield();
        getter.cancel();
        if (i % 2 == 0) co_await yield();
        co_await q.put(i);
        co_await getter.join();
        bool const left = q.try_get().has_value();
        lost += got == left ? 1 : 0;
    }
    REQUIRE(lost == 0);
}

TEST_CASE("process_queue link: the end of a run withdraws what waits", "[process_queue]") {
    process_queue<int> const q(1);
    process_queue<int> const other = from_outside(q);
    q.put(1);
    census frames;
    run([&]() -> task<> {
        auto const waits = [](process_queue<int> of, census* c) -> task<> {
            tracker const t(*c);
            co_await of.put(2);
        };
        for (int i = 0; i < 3; ++i) spawn(waits, other, &frames);
        spawn(join_it, other);
        co_await yield();
        look(other);
        REQUIRE(frames.live() == 3);
    });
    REQUIRE(frames.clean());
    REQUIRE(static_cast<int>(q.get()) == 1);
    REQUIRE(q.empty());
    REQUIRE(other.try_put(3));
}

// --- as in the owner

GREEN_TEST_REAL_CLOCK("process_queue link: limits, closing, misuse", "[process_queue]") {
    process_queue<int> const q(1);
    process_queue<int> other = from_outside(q);
    other.set_name("jobs");
    auto const none = co_await move_on_after(2ms, other.get());
    REQUIRE(!none);
    REQUIRE_THROWS_AS(other.try_get_for(1s), std::logic_error);
    REQUIRE(!other.try_get());
    bool put = other.try_put_for(1, 1s);  // there is room: it need not block
    REQUIRE(put);
    REQUIRE_THROWS_AS(other.try_put_for(2, 1s), std::logic_error);
    put = other.try_put(2);
    REQUIRE(!put);
    put = co_await move_on_after(2ms, other.put(2));
    REQUIRE(!put);
    auto putter = spawn(put_into, other, 2);
    co_await yield();
    other.close();
    REQUIRE(other.closed());
    REQUIRE(q.closed());
    co_await putter.join();
    REQUIRE_THROWS_AS(putter.result(), closed_error);
    REQUIRE_THROWS_WITH(other.try_put(3), "process_queue.put of 'jobs': closed");
    int const item = co_await other.get();
    REQUIRE(item == 1);
    REQUIRE_THROWS_WITH(other.try_get(), "process_queue.get of 'jobs': closed");
}

TEST_CASE("process_queue link: threads block, and hand over the reading", "[process_queue]") {
    constexpr int per_thread = 300;
    process_queue<int> const q(4);
    process_queue<int> const other = from_outside(q);
    std::atomic<int> sum{0};
    std::atomic<int> late{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 3; ++t) {
        threads.emplace_back([&] {
            try {
                for (;;) {
                    sum += static_cast<int>(other.get());
                    other.task_done();
                }
            } catch (const closed_error&) {}
        });
        threads.emplace_back([&] {
            for (int i = 1; i <= per_thread; ++i) other.put(i);
        });
        // Limits end while others wait.
        threads.emplace_back([&] {
            process_queue<int> const empty;
            process_queue<int> const outside = from_outside(empty);
            for (int i = 0; i < 20; ++i) late += outside.try_get_for(1ms) ? 0 : 1;
        });
    }
    for (std::size_t t = 0; t < threads.size(); ++t) {
        if (t % 3 != 0) threads[t].join();
    }
    other.join();
    q.close();
    for (std::size_t t = 0; t < threads.size(); t += 3) threads[t].join();
    REQUIRE(sum == 3 * per_thread * (per_thread + 1) / 2);
    REQUIRE(late == 60);
    REQUIRE(q.unfinished() == 0);
}

TEST_CASE("process_queue link: a loop joins threads that block already", "[process_queue]") {
    process_queue<int> const q;
    process_queue<int> const other = from_outside(q);
    std::atomic<int> got{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t) threads.emplace_back([&] { got += static_cast<int>(other.get()); });
    std::this_thread::sleep_for(2ms);  // most often they block by now; it must hold in any case
    run([&]() -> task<> {
        auto third = spawn(get_from, other);
        co_await yield();
        for (int i = 0; i < 3; ++i) co_await q.put(1);
        got += co_await third;
    });
    for (auto& t : threads) t.join();
    REQUIRE(got == 3);
}

TEST_CASE(
    "process_queue link: an item that is none is reported, and counts as done", "[process_queue]"
) {
    process_queue<picky> const q;
    process_queue<picky> const other = from_outside(q);
    REQUIRE_THROWS_AS(other.put(picky{.value = 13}), codec_error);
    other.put(picky{.value = 17});
    other.put(picky{.value = 2});
    REQUIRE_THROWS_AS(static_cast<picky>(other.get()), codec_error);
    REQUIRE(static_cast<picky>(other.get()).value == 2);
    REQUIRE(q.unfinished() == 1);
    other.task_done();
    other.join();
}

TEST_CASE("process_queue link: both ends go at the same time", "[process_queue]") {
    for (int i = 0; i < 50; ++i) {
        numbers const q;
        std::vector<numbers> others;
        for (int o = 0; o < 10; ++o) others.push_back(from_outside(q));
        for (const numbers& o : others) REQUIRE(!o.try_get());
    }
    for (int i = 0; i < 50; ++i) {
        std::optional<numbers> q(std::in_place);
        std::optional<numbers> other = from_outside(*q);
        run([&]() -> task<> {
            auto getter = spawn(get_from, *other);
            co_await yield();
            look(*other);
            q.reset();
            co_await getter.join();
            REQUIRE_THROWS_AS(getter.result(), closed_error);
        });
        other.reset();
    }
}

TEST_CASE("process_queue link: large items", "[process_queue]") {
    process_queue<std::string> const q(1);
    process_queue<std::string> const other = from_outside(q);
    std::string const large(std::size_t{5} << 20, 'x');
    std::thread putter([&] {
        for (int i = 0; i < 3; ++i) other.put(large);
    });
    int equal = 0;
    process_queue<std::string> const third = from_outside(q);
    for (int i = 0; i < 3; ++i) {
        std::string const item = third.get();
        equal += item == large ? 1 : 0;
    }
    putter.join();
    REQUIRE(equal == 3);
}
