#include <green/tasks/task_pool.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"
#include "support/tasks.hpp"
#include "support/text.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>
#include <green/tasks/when_any.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

task<> sleeps(std::chrono::nanoseconds d) { co_await sleep_for(d); }

/// The text of what `t` throws.
template <class T>
task<std::string> error_of(task<T> t) {
    std::string text;
    try {
        co_await std::move(t);
    } catch (const std::exception& e) {
        text = e.what();
    }
    co_return text;
}
template <class A>
task<> await(A a) {
    co_await std::move(a);
}

/// How many are inside at once, and how many were at most.
struct meter {
    int now = 0;
    int most = 0;
    int begun = 0;
    void enter() {
        ++begun;
        most = std::max(most, ++now);
    }
    void leave() { --now; }
};
struct inside {
    explicit inside(meter& m) : m_(m) { m_.enter(); }
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;
    ~inside() { m_.leave(); }
    meter& m_;
};

std::vector<int> up_to(int n) {
    std::vector<int> v;
    for (int i = 0; i < n; ++i) v.push_back(i);
    return v;
}
// conformance 165, 173
GREEN_TEST("spawn: ready at once while there is a place, then waits for one", "[task_pool]") {
    recorder log;
    task_pool pool(2);
    REQUIRE(pool.limit() == 2);
    REQUIRE(pool.free_count() == 2);
    auto const a = co_await pool.spawn(sleeps(2ms));
    auto const b = co_await pool.spawn(sleeps, 5ms);
    REQUIRE(elapsed() == 0ms);
    REQUIRE(pool.size() == 2);
    REQUIRE(pool.free_count() == 0);
    auto const c = co_await pool.spawn({.name = "third"}, sleeps, 1ms);
    log.stamp("third");
    REQUIRE(c.name() == "third");
    REQUIRE(a.done());
    REQUIRE_FALSE(b.done());
    co_await pool.join();
    log.stamp("joined");
    REQUIRE(pool.size() == 0);
    REQUIRE(log.text() == "third@2 joined@5");
}

// conformance 173
GREEN_TEST("no more than limit() tasks run at once, and as many do", "[task_pool]") {
    meter m;
    task_pool pool(7);
    auto const body = [&](int i) -> task<int> {
        inside const in(m);
        co_await sleep_for(std::chrono::milliseconds(1 + i * 7 % 5));
        co_return i;
    };
    std::vector<join_handle<int>> handles;
    for (int i = 0; i < 100; ++i) {
        auto h = co_await pool.spawn(body, i);
        handles.push_back(h);
    }
    co_await pool.join();
    REQUIRE(m.most == 7);
    REQUIRE(m.begun == 100);
    for (int i = 0; i < 100; ++i) REQUIRE(handles[static_cast<std::size_t>(i)].value() == i);
}

GREEN_TEST("those who wait for a place get it in order", "[task_pool]") {
    recorder log;
    task_pool pool(1);
    co_await pool.spawn(sleeps(1ms));
    auto const one = [&](std::string name) -> task<> {
        co_await pool.spawn(sleeps(1ms));
        log.stamp(name);
    };
    auto a = spawn(one, "a");
    auto b = spawn(one, "b");
    auto c = spawn(one, "c");
    co_await sleep_for(500us);
    auto const overtakes = pool.try_spawn(sleeps(1ms));
    REQUIRE_FALSE(overtakes.has_value());
    b.cancel();
    co_await c;
    REQUIRE(log.text() == "a@1 c@2");
    REQUIRE(b.cancelled());
}

// conformance 165, 173
GREEN_TEST("try_spawn", "[task_pool]") {
    census frames;
    task_pool pool(1);
    auto const body = [](tracker, int n) -> task<int> {
        co_await sleep_for(1ms);
        co_return n;
    };
    auto const first = pool.try_spawn(body, tracker(frames), 1);
    REQUIRE(first.has_value());
    auto const second = pool.try_spawn(body(tracker(frames), 2));
    REQUIRE_FALSE(second.has_value());
    REQUIRE(frames.live() == 1);
    int const n = co_await *first;
    REQUIRE(n == 1);
    auto const third = pool.try_spawn({.name = "third"}, body(tracker(frames), 3));
    REQUIRE(third->name() == "third");
    co_await pool.join();
    REQUIRE(frames.clean());
}

// conformance 165, 173
GREEN_TEST("a pool of size 0 is always full", "[task_pool]") {
    task_pool pool(0);
    REQUIRE(pool.free_count() == 0);
    auto const none = pool.try_spawn(sleeps, 1ms);
    REQUIRE_FALSE(none.has_value());
    co_await pool.join();
    auto const handle = co_await move_on_after(1s, pool.spawn(sleeps, 1ms));
    REQUIRE_FALSE(handle.has_value());
    REQUIRE(elapsed() == 1s);
}

TEST_CASE("a place that can never come is a deadlock, told by name", "[task_pool]") {
    std::string text;
    try {
        run(virtual_clock(), []() -> task<> {
            task_pool pool(0);
            pool.set_name("lanes");
            co_await pool.spawn(sleeps, 1ms);
        });
    } catch (const deadlock_error& e) {
        text = e.what();
    }
    INFO(text);
    REQUIRE(contains(text, "task_pool::spawn of 'lanes': a free place of 0"));
}

GREEN_TEST("spawn: cancelled before it starts, and while it waits: total", "[task_pool]") {
    task_pool pool(1);
    census frames;
    bool ran = false;
    auto const body = [&](tracker) -> task<> {
        ran = true;
        co_return;
    };
    auto const spawns = [&]() -> task<> { co_await pool.spawn(body, tracker(frames)); };
    auto before = spawn(spawns);
    before.cancel();
    co_await before.join();

    gate g;
    auto pending = spawn([&]() -> task<> {
        co_await g.wait();
        co_await pool.spawn(body, tracker(frames));  // there is a place
    });
    co_await yield();
    g.open();
    pending.cancel();
    co_await pending.join();
    REQUIRE(pending.cancelled());
    REQUIRE(pool.size() == 0);

    auto const busy = co_await pool.spawn(sleeps(5ms));
    auto waiting = spawn(spawns);
    co_await sleep_for(1ms);
    waiting.cancel();
    co_await waiting.join();
    REQUIRE(waiting.cancelled());
    co_await pool.join();
    REQUIRE(elapsed() == 5ms);
    REQUIRE_FALSE(ran);
    REQUIRE(frames.clean());
    REQUIRE(pool.free_count() == 1);
}

GREEN_TEST(
    "spawn: gets a place and is cancelled in the same turn: the task starts", "[task_pool]"
) {
    task_pool pool(1);
    auto h = spawn([&]() -> task<> {
        co_await pool.spawn(sleeps(1h));
        co_await sleep_for(1h);
    });
    auto first = co_await pool.spawn(sleeps(1h));
    co_await yield();
    first.add_done_callback([&] { h.cancel(); });  // when the place has just been handed on
    first.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(pool.size() == 1);
    pool.cancel("enough");
    co_await pool.join();
    REQUIRE(elapsed() == 0ms);
}

TEST_CASE("a pool at the end of run", "[task_pool]") {
    census frames;
    std::optional<task_pool> pool(std::in_place, 2);  // outlives the run
    run(virtual_clock(), [&]() -> task<> {
        auto const body = [&](tracker) -> task<> { co_await sleep_for(1h); };
        auto const waits = [&](auto what, tracker) -> task<> { co_await std::move(what); };
        co_await pool->spawn(body, tracker(frames));
        co_await pool->spawn(body, tracker(frames));
        spawn(waits, pool->spawn(body, tracker(frames)), tracker(frames));
        spawn(waits, pool->join(), tracker(frames));
        spawn(
            waits, pool->map([&](int) { return body(tracker(frames)); }, up_to(3)), tracker(frames)
        );
        co_await sleep_for(1ms);
    });
    REQUIRE(frames.clean());
    REQUIRE(pool->size() == 0);
    run(virtual_clock(), [&]() -> task<> {
        auto const n = co_await pool->spawn(value_after, 1, 1ms);
        int const value = co_await n;
        REQUIRE(value == 1);
    });
}

GREEN_TEST("a place comes free however its task ends", "[task_pool]") {
    task_pool pool(1);
    auto const failed = co_await pool.spawn(fails_after, "broken", 1ms);
    auto cancelled = co_await pool.spawn(sleeps, 1h);
    REQUIRE(elapsed() == 1ms);
    REQUIRE(failed.exception() != nullptr);
    cancelled.cancel();
    auto unstarted = co_await pool.spawn(sleeps, 1h);
    unstarted.cancel();
    auto const throws_at_once = [](int) -> task<> {
        throw std::runtime_error("at once");
        co_return;
    };
    auto const last = co_await pool.spawn(throws_at_once, 1);
    co_await pool.join();
    REQUIRE(last.exception() != nullptr);
    REQUIRE(unstarted.cancelled());
    REQUIRE(pool.size() == 0);
    REQUIRE(elapsed() == 1ms);
}

// conformance 166
GREEN_TEST("a task that waits for its own place is told so", "[task_pool]") {
    task_pool pool(1);
    pool.set_name("workers");
    auto const nested = [&]() -> task<> { co_await pool.spawn(sleeps, 1ms); };
    auto const direct = co_await pool.spawn(nested);
    std::string const error = co_await error_of(await(direct));
    REQUIRE(contains(error, "task_pool::spawn of 'workers': the pool is full"));
    REQUIRE(contains(error, "each of its tasks (1) waits for another place in it"));

    // The same for map, imap, and from inside a combinator.
    auto const item = [](int) -> task<> { co_return; };
    auto const maps = co_await pool.spawn([&]() -> task<> { co_await pool.map(item, up_to(2)); });
    std::string const map_error = co_await error_of(await(maps));
    REQUIRE(contains(map_error, "task_pool::map of 'workers'"));
    auto const streams = co_await pool.spawn([&]() -> task<> {
        co_await pool.imap(item, up_to(2)).collect();
    });
    std::string const stream_error = co_await error_of(await(streams));
    REQUIRE(contains(stream_error, "task_pool::imap of 'workers'"));
    auto const inner = co_await pool.spawn([&]() -> task<> {
        co_await shield(when_all(nested()));
    });
    std::string const inner_error = co_await error_of(await(inner));
    REQUIRE(contains(inner_error, "is full"));
    auto const joins = co_await pool.spawn([&]() -> task<> { co_await pool.join(); });
    std::string const join_error = co_await error_of(await(joins));
    REQUIRE(contains(join_error, "would wait for itself"));
    co_await pool.join();
    REQUIRE(pool.free_count() == 1);
}

// conformance 166
GREEN_TEST("only the last of those who block each other is told", "[task_pool]") {
    task_pool pool(2);
    recorder log;
    auto const nested = [&](std::string name) -> task<> {
        try {
            auto const h = co_await pool.spawn(sleeps, 1ms);
            log.stamp(name + " spawned");
        } catch (const std::logic_error&) {
            log.stamp(name + " told");
        }
    };
    co_await pool.spawn(nested, "a");
    co_await pool.spawn(nested, "b");
    co_await pool.join();
    REQUIRE(log.text() == "b told@0 a spawned@0");
}

GREEN_TEST("a nested wait that may still end is left alone", "[task_pool]") {
    task_pool pool(1);
    std::vector<std::string> log;
    auto const nested = [&]() -> task<> {
        auto const late = co_await move_on_after(1ms, pool.spawn(sleeps, 1ms));
        log.push_back(late ? "spawned" : "moved on");
        auto const any = co_await when_any(pool.spawn(sleeps, 1ms), sleep_for(1ms));
        log.push_back(any.index() == 0 ? "spawned" : "slept");
    };
    co_await pool.spawn(nested);
    co_await pool.join();
    REQUIRE(log == std::vector<std::string>{"moved on", "slept"});

    // With another task in the pool there is hope.
    task_pool two(2);
    auto const one_more = [&]() -> task<> {
        auto const h = co_await two.spawn(sleeps, 1ms);
        log.push_back("one more");
    };
    co_await two.spawn(sleeps, 1ms);
    co_await two.spawn(one_more);
    co_await two.join();
    REQUIRE(log.back() == "one more");
}

GREEN_TEST(
    "join: ready at once, cancelled, and not before those who wait have had a place", "[task_pool]"
) {
    task_pool pool(1);
    co_await pool.join();
    co_await pool.spawn(sleeps(2ms));
    auto const waits = [&]() -> task<> { co_await pool.spawn(sleeps(2ms)); };
    auto const second = spawn(waits);
    auto joiner = spawn([&]() -> task<> { co_await pool.join(); });
    co_await sleep_for(1ms);
    joiner.cancel();
    co_await joiner.join();
    REQUIRE(joiner.cancelled());
    co_await pool.join();
    REQUIRE(elapsed() == 4ms);
}

GREEN_TEST("cancel stops the tasks; the pool goes on", "[task_pool]") {
    task_pool pool(2);
    auto const a = co_await pool.spawn(sleeps, 1h);
    auto const b = co_await pool.spawn(sleeps, 1h);
    auto const c = spawn([&]() -> task<int> {
        auto h = co_await pool.spawn(value_after, 3, 1ms);
        co_return co_await h;
    });
    co_await sleep_for(1ms);
    pool.cancel("closing time");
    int const n = co_await c;
    REQUIRE(n == 3);
    REQUIRE(a.cancelled());
    REQUIRE(b.cancelled());
    REQUIRE_THROWS_WITH(a.result(), Catch::Matchers::Contains("closing time"));
}

GREEN_TEST("the end of a pool cancels what is left, and does not wait", "[task_pool]") {
    census frames;
    std::optional<task_pool> pool(std::in_place, 1);
    auto const body = [](tracker) -> task<> { co_await sleep_for(1h); };
    auto const member = co_await pool->spawn(body, tracker(frames));
    auto const waits = spawn(error_of(pool->spawn(body, tracker(frames))));
    auto const joins = spawn(await(pool->join()));
    auto late = pool->spawn(body, tracker(frames));
    co_await yield();
    pool.reset();
    REQUIRE_FALSE(member.done());
    std::string const error = co_await waits;
    REQUIRE(contains(error, "destroyed meanwhile"));
    co_await joins;
    REQUIRE(member.cancelled());
    std::string const too_late = co_await error_of(std::move(late));
    REQUIRE(contains(too_late, "destroyed meanwhile"));
    REQUIRE(frames.clean());
}

GREEN_TEST("map gives the values in input order, under the limit", "[task_pool][map]") {
    meter m;
    task_pool pool(3);
    auto const slower_first = [&](int i) -> task<int> {
        inside const in(m);
        co_await sleep_for(std::chrono::milliseconds(10 - i));
        co_return i* i;
    };
    auto const squares = co_await pool.map(slower_first, up_to(10));
    REQUIRE(squares.size() == 10);
    for (int i = 0; i < 10; ++i) REQUIRE(squares[static_cast<std::size_t>(i)] == i * i);
    REQUIRE(m.most == 3);
    REQUIRE(pool.size() == 0);

    auto const none = co_await pool.map(slower_first, std::vector<int>());
    REQUIRE(none.empty());
    auto const some = co_await pool.map(
        slower_first, std::views::iota(0, 9) | std::views::filter([](int i) { return i % 2 == 0; })
    );
    REQUIRE(some == std::vector<int>{0, 4, 16, 36, 64});
}

GREEN_TEST("map of void, of move-only inputs and values, of references", "[task_pool][map]") {
    task_pool pool(2);
    int sum = 0;
    auto const adds = [&](int i) -> task<> {
        co_await yield();
        sum += i;
    };
    co_await pool.map(adds, up_to(5));
    REQUIRE(sum == 10);

    auto const passes = [](std::unique_ptr<int> p) -> task<std::unique_ptr<int>> {
        co_await yield();
        ++*p;
        co_return p;
    };
    std::vector<std::unique_ptr<int>> pointers;
    pointers.push_back(std::make_unique<int>(1));
    pointers.push_back(std::make_unique<int>(2));
    auto const moved = co_await pool.map(passes, std::move(pointers));
    REQUIRE(*moved[1] == 3);

    std::vector<std::string> words{"a text that is long enough", "b"};
    auto const length = [](const std::string& s) -> task<std::size_t> {
        co_await yield();
        co_return s.size();
    };
    auto const lengths = co_await pool.map(length, std::views::all(words));
    REQUIRE(lengths[0] == words[0].size());
    REQUIRE(words[1] == "b");
    auto const again = co_await pool.map(length, words);
    REQUIRE(again[0] == words[0].size());  // copied, not moved from

    auto const itself = [&](std::size_t i) -> task<std::string&> { co_return words[i]; };
    std::vector<std::size_t> const indices{1, 0};
    auto const copies = co_await pool.map(itself, indices);
    REQUIRE(copies[0] == "b");
}

GREEN_TEST("map: the first failure cancels the rest, which end first", "[task_pool][map]") {
    meter m;
    census frames;
    task_pool pool(3);
    auto const item = [&](int i) -> task<int> {
        tracker const t(frames);
        inside const in(m);
        if (i == 0) co_await shield(sleep_for(5ms));
        if (i == 1) {
            co_await sleep_for(1ms);
            throw std::runtime_error("item 1");
        }
        co_await sleep_for(1h);
        co_return i;
    };
    std::string const error = co_await error_of(pool.map(item, up_to(100)));
    REQUIRE(error == "item 1");
    REQUIRE(elapsed() == 5ms);
    REQUIRE(m.begun == 3);
    REQUIRE(frames.clean());
    REQUIRE(pool.free_count() == 3);

    auto const all_fail = [&](int i) -> task<> {
        co_await sleep_for(1ms);
        throw std::runtime_error(std::to_string(i));
    };
    std::size_t count = 0;
    try {
        co_await pool.map(all_fail, up_to(2));
    } catch (const exception_group& e) {
        count = e.exceptions().size();
    }
    REQUIRE(count == 2);
}

GREEN_TEST("map: cancelled before it starts, and while it waits", "[task_pool][map]") {
    census frames;
    task_pool pool(2);
    auto const item = [&](tracker, int) -> task<> { co_await sleep_for(1h); };
    auto const one = [&](int i) { return item(tracker(frames), i); };
    auto before = spawn(await(pool.map(one, up_to(5))));
    before.cancel();
    co_await before.join();
    auto during = spawn(await(pool.map(one, up_to(5))));
    co_await sleep_for(1ms);
    REQUIRE(frames.live() >= 2);
    during.cancel();
    co_await during.join();
    REQUIRE(during.cancelled());
    REQUIRE(frames.clean());
    REQUIRE(pool.size() == 0);
}

GREEN_TEST("map: an item's task that was cancelled, an input that throws", "[task_pool][map]") {
    task_pool pool(1);
    auto const item = [](int i) -> task<int> {
        co_await sleep_for(1ms);
        co_return i;
    };
    auto const h = spawn(error_of(pool.map(item, up_to(3))));
    co_await yield();
    co_await yield();
    co_await yield();
    pool.cancel("not this one");
    std::string const error = co_await h;
    REQUIRE(contains(error, "the task of an item was cancelled"));

    auto const broken = std::views::iota(0, 5) | std::views::transform([](int i) {
                            if (i == 3) throw std::runtime_error("input 3");
                            return i;
                        });
    std::string const input_error = co_await error_of(pool.map(item, broken));
    REQUIRE(input_error == "input 3");
    REQUIRE(pool.free_count() == 1);
}

// conformance 124
GREEN_TEST("imap gives each value in input order as soon as it can", "[task_pool][imap]") {
    recorder log;
    task_pool pool(3);
    auto const item = [](int i) -> task<int> {
        int const delays[] = {3, 1, 2, 1, 5};
        co_await sleep_for(std::chrono::milliseconds(delays[i]));
        co_return i;
    };
    stream<int> s = pool.imap(item, up_to(5));
    while (auto i = co_await s.next()) log.stamp(std::to_string(*i));
    REQUIRE(log.text() == "0@3 1@3 2@3 3@4 4@8");
    REQUIRE(pool.size() == 0);

    log.clear();
    stream<int> u = pool.imap_unordered(item, up_to(5));
    while (auto i = co_await u.next()) log.stamp(std::to_string(*i));
    // 3 takes the place of 1, 4 that of 2.
    REQUIRE(log.text() == "1@9 2@10 3@10 0@11 4@15");
    auto const after = co_await u.next();
    REQUIRE_FALSE(after.has_value());
}

// conformance 126, 133
GREEN_TEST("imap is lazy and bounded", "[task_pool][imap]") {
    int pulled = 0;
    meter m;
    task_pool pool(4);
    auto const endless = std::views::iota(0) | std::views::transform([&](int i) {
                             ++pulled;
                             return i;
                         });
    auto const item = [&](int i) -> task<int> {
        inside const in(m);
        co_await sleep_for(1ms);
        co_return i;
    };
    stream<int> s = pool.imap(item, endless);
    co_await sleep_for(10ms);
    REQUIRE(pulled == 0);
    for (int i = 0; i < 10; ++i) {
        auto const value = co_await s.next();
        REQUIRE(value == i);
        REQUIRE(pulled <= i + 4);
        co_await sleep_for(5ms);  // what runs goes on, nothing new begins
        REQUIRE(m.now == 0);
    }
    REQUIRE(m.most == 4);
    auto const three = co_await pool.imap_unordered(item, endless).take(3).collect();
    REQUIRE(three == std::vector<int>{0, 1, 2});
    auto const none = co_await pool.imap(item, std::vector<int>()).collect();
    REQUIRE(none.empty());
}

GREEN_TEST("imap of very many inputs keeps no more than limit() of them", "[task_pool][imap]") {
    constexpr int count = 50'000;
    struct counted {
        explicit counted(int& live) : live_(live) { ++live_; }
        counted(const counted&) = delete;
        counted& operator=(const counted&) = delete;
        ~counted() { --live_; }
        int& live_;
    };
    int live = 0;
    int most = 0;
    task_pool pool(16);
    auto const item = [&](int i) -> task<std::unique_ptr<counted>> {
        auto c = std::make_unique<counted>(live);
        most = std::max(most, live);
        if (i % 3 == 0) co_await yield();
        co_return c;
    };
    for (bool const ordered : {true, false}) {
        int seen = 0;
        auto s = ordered ? pool.imap(item, std::views::iota(0, count))
                         : pool.imap_unordered(item, std::views::iota(0, count));
        while (auto c = co_await s.next()) ++seen;
        REQUIRE(seen == count);
        REQUIRE(live == 0);
    }
    REQUIRE(most <= 16 + 2);
}

GREEN_TEST(
    "imap: an item's error is thrown at its place, when the others have ended", "[task_pool][imap]"
) {
    for (bool const ordered : {true, false}) {
        recorder log;
        census frames;
        task_pool pool(3);
        auto const item = [&](int i) -> task<int> {
            tracker const t(frames);
            if (i == 1) {
                co_await sleep_for(1ms);
                throw std::runtime_error("item 1");
            }
            if (i == 2) co_await shield(sleep_for(5ms));
            co_await sleep_for(2ms);
            co_return i;
        };
        auto const start = elapsed();
        stream<int> s = ordered ? pool.imap(item, up_to(9)) : pool.imap_unordered(item, up_to(9));
        int values = 0;
        std::string error;
        try {
            while (auto i = co_await s.next()) ++values;
        } catch (const std::runtime_error& e) {
            error = e.what();
        }
        REQUIRE(values == (ordered ? 1 : 0));
        REQUIRE(error == "item 1");
        REQUIRE(elapsed() - start == 5ms);
        REQUIRE(frames.clean());
        REQUIRE(pool.free_count() == 3);
        auto const after = co_await s.next();
        REQUIRE_FALSE(after.has_value());
    }
}

GREEN_TEST("imap: errors of several items are all kept", "[task_pool][imap]") {
    task_pool pool(3);
    auto const item = [](int i) -> task<int> {
        co_await sleep_for(std::chrono::milliseconds(5 - i));
        throw std::runtime_error(std::to_string(i));
    };
    std::vector<std::string> texts;
    try {
        co_await pool.imap(item, up_to(3)).collect();
    } catch (const exception_group& e) {
        for (auto const& one : e.exceptions()) texts.push_back(detail::describe(one));
    }
    REQUIRE(texts == std::vector<std::string>{"0", "1", "2"});
}

// conformance 136
GREEN_TEST("imap: an error of the inputs comes after the values", "[task_pool][imap]") {
    for (bool const ordered : {true, false}) {
        task_pool pool(2);
        auto const broken = std::views::iota(0, 9) | std::views::transform([](int i) {
                                if (i == 3) throw std::runtime_error("input 3");
                                return i;
                            });
        auto const item = [](int i) -> task<int> {
            co_await sleep_for(1ms);
            co_return i;
        };
        stream<int> s = ordered ? pool.imap(item, broken) : pool.imap_unordered(item, broken);
        int values = 0;
        std::string error;
        try {
            while (auto i = co_await s.next()) ++values;
        } catch (const std::runtime_error& e) {
            error = e.what();
        }
        REQUIRE(values == 3);
        REQUIRE(error == "input 3");
        REQUIRE(pool.free_count() == 2);
    }
}

// conformance 130
GREEN_TEST("imap: a stream that is dropped early cancels its items", "[task_pool][imap]") {
    for (bool const ordered : {true, false}) {
        census frames;
        task_pool pool(3);
        auto const item = [&](int i) -> task<int> {
            tracker const t(frames);
            co_await sleep_for(
                i == 0 ? std::chrono::nanoseconds(1ms) : std::chrono::nanoseconds(1h)
            );
            co_return i;
        };
        {
            stream<int> s = ordered ? pool.imap(item, up_to(9))
                                    : pool.imap_unordered(item, up_to(9));
            auto const first = co_await s.next();
            REQUIRE(first == 0);
            REQUIRE(frames.live() == 2);
        }
        co_await pool.join();
        REQUIRE(frames.clean());
        REQUIRE(elapsed() < 1h);
    }
}

GREEN_TEST("imap: a failure that nobody will read is reported", "[task_pool][imap]") {
    expect_unhandled("item 1");
    task_pool pool(3);
    auto const item = [&](int i) -> task<int> {
        if (i == 1) throw std::runtime_error("item 1");
        co_return i;
    };
    auto const first = co_await pool.imap(item, up_to(3)).take(1).collect();
    REQUIRE(first.size() == 1);
}

GREEN_TEST("imap: cancelled while it waits, the items end first", "[task_pool][imap]") {
    for (bool const ordered : {true, false}) {
        recorder log;
        census frames;
        task_pool pool(2);
        auto const item = [&](int) -> task<int> {
            tracker const t(frames);
            co_await shield(sleep_for(5ms));
            log.stamp("shielded");
            co_await sleep_for(1h);
            co_return 1;
        };
        auto const start = elapsed();
        auto h = spawn([&]() -> task<> {
            tracker const t(frames);
            stream<int> s = ordered ? pool.imap(item, up_to(9))
                                    : pool.imap_unordered(item, up_to(9));
            co_await s.next();
        });
        co_await sleep_for(1ms);
        h.cancel("enough");
        co_await h.join();
        REQUIRE(h.cancelled());
        REQUIRE(elapsed() - start == 5ms);
        REQUIRE(frames.clean());
        REQUIRE(pool.size() == 0);
    }
}

GREEN_TEST(
    "imap: an item that fails on its way out is not lost for the cancel", "[task_pool][imap]"
) {
    task_pool pool(2);
    gate refuses(gate::when_cancelled::refuses);
    auto const item = [&](int i) -> task<int> {
        co_await refuses.wait();
        if (i == 1) throw std::runtime_error("on its way out");
        co_return i;
    };
    auto h = spawn([&]() -> task<> { co_await pool.imap(item, up_to(2)).collect(); });
    co_await sleep_for(1ms);
    h.cancel();
    co_await sleep_for(1ms);
    REQUIRE_FALSE(h.done());
    refuses.open();
    std::string const error = co_await error_of(await(h));
    REQUIRE(error == "on its way out");
}

GREEN_TEST(
    "imap: completes and is cancelled in the same turn: the value wins", "[task_pool][imap]"
) {
    gate g;
    task_pool pool(1);
    std::optional<int> got;
    auto const item = [&](int) -> task<int> {
        int const n = co_await g.wait();
        co_return n;
    };
    auto h = spawn([&]() -> task<> {
        stream<int> s = pool.imap(item, up_to(3));
        got = co_await s.next();
        co_await sleep_for(1h);
    });
    co_await sleep_for(1ms);
    g.open(8);
    co_await yield();  // the item has ended, its reader is ready
    h.cancel();
    co_await h.join();
    REQUIRE(got == 8);
    co_await pool.join();
}

GREEN_TEST("imap takes its turn for places with others", "[task_pool][imap]") {
    recorder log;
    task_pool pool(1);
    auto const item = [](int i) -> task<int> {
        co_await sleep_for(1ms);
        co_return i;
    };
    co_await pool.spawn(sleeps, 1ms);
    auto const reads = spawn([&]() -> task<> {
        stream<int> s = pool.imap(item, up_to(2));
        while (auto i = co_await s.next()) log.stamp(std::to_string(*i));
    });
    co_await yield();
    auto const other = spawn([&]() -> task<> {
        co_await pool.spawn(sleeps, 1ms);
        log.stamp("other");
    });
    co_await reads;
    REQUIRE(log.text() == "other@2 0@2 1@4");
}

GREEN_TEST("imap of a pool that ends", "[task_pool][imap]") {
    auto pool = std::make_unique<task_pool>(1);
    auto const item = [](int i) -> task<int> {
        co_await sleep_for(1ms);
        co_return i;
    };
    stream<int> s = pool->imap(item, up_to(3));
    auto const first = co_await s.next();
    REQUIRE(first == 0);
    auto const rest = spawn(error_of(s.collect()));
    co_await yield();
    pool.reset();
    std::string const error = co_await rest;
    REQUIRE(contains(error, "cancel"));
    stream<int> empty;
    s = std::move(empty);
}

GREEN_TEST("two maps share one pool", "[task_pool][map]") {
    meter m;
    task_pool pool(3);
    auto const item = [&](int i) -> task<int> {
        inside const in(m);
        co_await sleep_for(1ms);
        co_return i;
    };
    auto const both =
        co_await when_all(pool.map(item, up_to(20)), pool.imap(item, up_to(20)).collect());
    REQUIRE(std::get<0>(both) == up_to(20));
    REQUIRE(std::get<1>(both) == up_to(20));
    REQUIRE(m.most == 3);
}

}  // namespace
