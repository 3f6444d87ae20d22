#include <green/tasks/stream.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

static_assert(std::is_nothrow_move_constructible_v<stream<int>>);
static_assert(std::is_nothrow_move_assignable_v<stream<int>>);
static_assert(!std::is_copy_constructible_v<stream<int>>);
static_assert(awaitable<decltype(std::declval<stream<int>&>().next())>);

/// 0, 1, … n - 1 at once.
stream<int> numbers(int n) {
    for (int i = 0; i < n; ++i) co_yield i;
}
/// The same, one every millisecond.
stream<int> ticks(int n) {
    for (int i = 0; i < n; ++i) {
        co_await sleep_for(1ms);
        co_yield i;
    }
}
stream<int> guarded_ticks(census& frames, recorder* log = nullptr) {
    tracker const t(frames);
    for (int i = 0;; ++i) {
        co_await sleep_for(1ms);
        if (log) log->stamp("tick");
        co_yield i;
    }
}

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
task<> take_one(stream<int>& s) { co_await s.next(); }

GREEN_TEST("a stream: ready at once", "[stream]") {
    stream<int> s = numbers(3);
    std::string text;
    while (auto i = co_await s.next()) text += std::to_string(*i);
    REQUIRE(text == "012");
    for (int i = 0; i < 3; ++i) {
        auto const after_the_end = co_await s.next();
        REQUIRE_FALSE(after_the_end.has_value());
    }
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("a stream: suspends, then completes", "[stream]") {
    recorder log;
    stream<int> s = ticks(3);
    while (auto i = co_await s.next()) log.stamp(std::to_string(*i));
    REQUIRE(log.text() == "0@1 1@2 2@3");
}

GREEN_TEST("a stream is lazy: it runs while next() is awaited, and at no other time", "[stream]") {
    recorder log;
    census frames;
    stream<int> s = guarded_ticks(frames, &log);
    REQUIRE(frames.born() == 0);
    co_await sleep_for(10ms);
    co_await s.next();
    co_await sleep_for(10ms);
    co_await s.next();
    REQUIRE(log.text() == "tick@11 tick@22");
}

GREEN_TEST("a stream that never began, or that nobody has, is no trouble", "[stream]") {
    census frames;
    auto const body = [](tracker) -> stream<int> { co_yield 1; };
    { stream<int> const s = body(tracker(frames)); }
    REQUIRE(frames.clean());
    stream<int> none;
    auto const item = co_await none.next();
    REQUIRE_FALSE(item.has_value());
    none = body(tracker(frames));
    none = stream<int>();
    REQUIRE(frames.clean());
}

GREEN_TEST("next(): cancelled before it starts", "[stream]") {
    census frames;
    stream<int> s = guarded_ticks(frames);
    auto h = spawn([&]() -> task<> {
        co_await s.next();
        for (;;) co_await s.next();  // would never end without a place to stop
    });
    co_await yield();
    auto other = spawn(take_one(s));
    other.cancel();
    co_await other.join();
    REQUIRE(other.cancelled());

    // A pending cancel stops at the co_await; the coroutine does not move.
    stream<int> fresh = numbers(5);
    gate g;
    auto late = spawn([&]() -> task<> {
        co_await g.wait();
        co_await fresh.next();
    });
    co_await yield();
    g.open();
    late.cancel();
    co_await late.join();
    REQUIRE(late.cancelled());
    auto const first = co_await fresh.next();
    REQUIRE(first == 0);

    h.cancel();
    co_await h.join();
    REQUIRE(frames.clean());
}

GREEN_TEST("next(): cancelled while it waits; the frames end innermost first", "[stream]") {
    struct guard {
        recorder& log;
        const char* name;
        ~guard() { log.stamp(name); }
    };
    recorder log;
    auto const inner = [&]() -> task<> {
        guard const g{log, "inner"};
        co_await sleep_for(1h);
    };
    auto const generator = [&]() -> stream<int> {
        guard const g{log, "generator"};
        co_yield 1;
        co_await inner();
        co_yield 2;
    };
    stream<int> s = generator();
    auto const consumer = [&]() -> task<> {
        guard const g{log, "consumer"};
        for (;;) co_await s.next();
    };
    auto h = spawn(consumer);
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text() == "inner@1 generator@1 consumer@1");

    // What is left is not taken for the end.
    for (int i = 0; i < 2; ++i) {
        std::string const error = co_await error_of(take_one(s));
        REQUIRE(error.find("an earlier wait for an item was cancelled") != std::string::npos);
    }
    stream<int> moved = std::move(s);
    std::string const error = co_await error_of(take_one(moved));
    REQUIRE(error.find("was cancelled") != std::string::npos);
    auto const nothing = co_await s.next();  // NOLINT(bugprone-use-after-move)
    REQUIRE_FALSE(nothing.has_value());
}

GREEN_TEST("next(): completes and is cancelled in the same turn: the item wins", "[stream]") {
    gate g;
    census frames;
    std::optional<int> got;
    auto const generator = [&]() -> stream<int> {
        tracker const t(frames);
        for (;;) co_yield co_await g.wait();
    };
    stream<int> s = generator();
    auto h = spawn([&]() -> task<> {
        got = co_await s.next();
        co_await yield();
    });
    co_await yield();
    g.open(7);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(got == 7);
    // The coroutine was at its co_yield when the consumer ended: it goes on for the next one.
    auto const again = co_await s.next();
    REQUIRE(again == 7);
    s = {};
    REQUIRE(frames.clean());
}

TEST_CASE("next() at the end of run", "[stream]") {
    census frames;
    {
        stream<int> s = guarded_ticks(frames);
        run(virtual_clock(), [&]() -> task<> {
            spawn([&]() -> task<> {
                for (;;) co_await s.next();
            });
            co_await sleep_for(5ms);
        });
        REQUIRE(frames.clean());
    }
}

GREEN_TEST("an exception of the coroutine is thrown by next(), and is the end", "[stream]") {
    census frames;
    auto const generator = [&](bool late) -> stream<int> {
        tracker const t(frames);
        co_yield 1;
        if (late) co_await sleep_for(1ms);
        throw std::runtime_error("broken");
    };
    for (bool const late : {false, true}) {
        stream<int> s = generator(late);
        auto const first = co_await s.next();
        REQUIRE(first == 1);
        std::string const error = co_await error_of(take_one(s));
        REQUIRE(error == "broken");
        REQUIRE(frames.clean());
        auto const after = co_await s.next();
        REQUIRE_FALSE(after.has_value());
    }
}

GREEN_TEST("a stream dropped at a co_yield destroys its frame", "[stream]") {
    census frames;
    {
        stream<int> s = guarded_ticks(frames);
        co_await s.next();
        REQUIRE(frames.live() == 1);
    }
    REQUIRE(frames.clean());
    stream<int> s = guarded_ticks(frames);
    co_await s.next();
    s = guarded_ticks(frames);
    REQUIRE(frames.clean());
    co_await s.next();
}

GREEN_TEST("a stream goes from task to task between two items", "[stream]") {
    std::vector<task_id> ids;
    auto const generator = [&]() -> stream<int> {
        for (int i = 0;; ++i) {
            ids.push_back(detail::scheduler::current()->running()->id());
            co_await sleep_for(1ms);
            co_yield i;
        }
    };
    auto const reader = [](stream<int> s, int expected) -> task<stream<int>> {
        auto const item = co_await s.next();
        if (item != expected) throw std::runtime_error("wrong item");
        co_return s;
    };
    stream<int> s = generator();
    auto a = spawn(reader, std::move(s), 0);
    s = co_await std::move(a);
    auto b = spawn(reader, std::move(s), 1);
    s = co_await std::move(b);
    auto const third = co_await s.next();
    REQUIRE(third == 2);
    REQUIRE(ids.size() == 3);
    REQUIRE(ids[0] != ids[1]);
    REQUIRE(ids[1] != ids[2]);
}

GREEN_TEST("a second next() at the same time is an error, the first goes on", "[stream]") {
    stream<int> s = ticks(2);
    auto first = spawn([&]() -> task<int> {
        auto const item = co_await s.next();
        co_return item.value_or(-1);
    });
    co_await yield();
    std::string const error = co_await error_of(take_one(s));
    REQUIRE(error.find("waits for the next item of this stream already") != std::string::npos);
    int const item = co_await first;
    REQUIRE(item == 0);

    // Also when the coroutine asks itself.
    stream<int>* self = nullptr;
    auto const selfish = [&]() -> stream<int> {
        co_await self->next();
        co_yield 1;
    };
    stream<int> loop = selfish();
    self = &loop;
    std::string const again = co_await error_of(take_one(loop));
    REQUIRE(again.find("already") != std::string::npos);
}

GREEN_TEST("a stream moved or destroyed while next() waits", "[stream]") {
    census frames;
    auto from = std::make_unique<stream<int>>(guarded_ticks(frames));
    auto const read = [](stream<int>& s) -> task<int> {
        auto const item = co_await s.next();
        co_return item.value_or(-1);
    };
    auto h = spawn(read(*from));
    co_await yield();
    stream<int> to = std::move(*from);
    from.reset();
    std::string const error = co_await error_of(take_one(to));
    REQUIRE(error.find("already") != std::string::npos);
    int const first = co_await h;
    REQUIRE(first == 0);
    auto const second = co_await to.next();
    REQUIRE(second == 1);

    auto last = spawn(read(to));
    co_await yield();
    to = {};
    REQUIRE(frames.live() == 1);
    int const third = co_await last;
    REQUIRE(third == 2);
    REQUIRE(frames.clean());

    stream<int> lost = guarded_ticks(frames);
    auto cancelled = spawn(read(lost));
    co_await yield();
    lost = {};
    cancelled.cancel();
    co_await cancelled.join();
    REQUIRE(frames.clean());
}

GREEN_TEST("items are moved, and may be of any type", "[stream]") {
    auto const pointers = []() -> stream<std::unique_ptr<int>> {
        for (int i = 0; i < 3; ++i) co_yield std::make_unique<int>(i);
    };
    auto const all = co_await pointers().collect();
    REQUIRE(all.size() == 3);
    REQUIRE(*all[2] == 2);

    auto const words = []() -> stream<std::string> {
        co_yield "converted";
        std::string const kept = "copied from a constant";
        co_yield kept;
    };
    auto const text = co_await words().collect();
    REQUIRE(text == std::vector<std::string>{"converted", "copied from a constant"});
}

GREEN_TEST("a stream of references gives pointers", "[stream]") {
    std::vector<std::string> rows{"a", "b"};
    auto const each = [&]() -> stream<std::string&> {
        for (auto& row : rows) co_yield row;
    };
    stream<std::string&> s = each();
    while (std::string* row = co_await s.next()) *row += "!";
    REQUIRE(rows[1] == "b!");
    auto const copies = co_await each().collect();
    REQUIRE(copies == rows);
    auto const constants = [&]() -> stream<const std::string&> {
        co_yield rows[0];
        co_yield "a temporary";
    };
    auto const both = co_await constants().collect();
    REQUIRE(both[1] == "a temporary");
    stream<std::string&> one = each().take(1);
    std::string* const row = co_await one.next();
    REQUIRE(row == rows.data());
}

GREEN_TEST("an item whose copy throws is the coroutine's failure to deal with", "[stream]") {
    struct fragile {
        explicit fragile(int n) : value(n) {}
        fragile(const fragile& o) : value(o.value) {
            if (value == 0) throw std::runtime_error("copy");
        }
        fragile(fragile&&) = default;
        int value;
    };
    auto const generator = []() -> stream<fragile> {
        fragile const bad(0);
        std::string caught;
        try {
            co_yield bad;
        } catch (const std::runtime_error& e) {
            caught = e.what();
        }
        if (caught == "copy") co_yield fragile(7);
    };
    stream<fragile> s = generator();
    auto const item = co_await s.next();
    REQUIRE(item->value == 7);
}

GREEN_TEST("collect and take", "[stream]") {
    auto const three = co_await ticks(10).take(3).collect();
    REQUIRE(three == std::vector<int>{0, 1, 2});
    REQUIRE(elapsed() == 3ms);

    auto const few = co_await numbers(2).take(5).collect();
    REQUIRE(few.size() == 2);
    auto const none = co_await numbers(0).collect();
    REQUIRE(none.empty());

    // Of an lvalue: the rest is there afterwards, not one item less.
    stream<int> s = numbers(5);
    auto const nothing = co_await s.take(0).collect();
    auto const two = co_await s.take(2).collect();
    auto const rest = co_await s.collect();
    REQUIRE(nothing.empty());
    REQUIRE(two == std::vector<int>{0, 1});
    REQUIRE(rest == std::vector<int>{2, 3, 4});

    auto const fails = []() -> stream<int> {
        co_yield 1;
        throw std::runtime_error("half");
    };
    std::string const error = co_await error_of(fails().collect());
    REQUIRE(error == "half");
    std::string const through = co_await error_of(fails().take(9).collect());
    REQUIRE(through == "half");
}

GREEN_TEST("take ends without asking for one more, and frees its source", "[stream]") {
    census frames;
    recorder log;
    auto const two = co_await guarded_ticks(frames, &log).take(2).collect();
    REQUIRE(two.size() == 2);
    REQUIRE(log.text() == "tick@1 tick@2");
    REQUIRE(frames.clean());
}

GREEN_TEST("a failure that is yielded is thrown, and the stream goes on", "[stream]") {
    auto const generator = []() -> stream<int> {
        co_yield 1;
        co_yield stream_failure(std::make_exception_ptr(std::out_of_range("two")));
        co_yield 3;
        throw std::runtime_error("the end");
    };
    stream<int> s = generator();
    std::string seen;
    for (int i = 0; i < 5; ++i) {
        try {
            auto const item = co_await s.next();
            seen += item ? std::to_string(*item) : "-";
        } catch (const std::exception& e) {
            seen += e.what();
        }
        seen += " ";
    }
    REQUIRE(seen == "1 two 3 the end - ");
}

GREEN_TEST("cancel of collect goes through all generators", "[stream]") {
    census frames;
    auto const outer = [&](stream<int> s) -> stream<int> {
        tracker const t(frames);
        while (auto i = co_await s.next()) co_yield *i * 2;
    };
    auto const value =
        co_await move_on_after(5ms, outer(guarded_ticks(frames)).take(100).collect());
    REQUIRE_FALSE(value.has_value());
    REQUIRE(frames.clean());
}

GREEN_TEST("next() in combinators", "[stream]") {
    stream<int> a = ticks(3);
    stream<int> b = ticks(3);
    auto const both = co_await when_all(a.next(), b.next());
    REQUIRE(std::get<0>(both) == 0);
    REQUIRE(std::get<1>(both) == 0);
    auto const in_time = co_await with_timeout(1s, a.next());
    REQUIRE(in_time == 1);
    auto const late = co_await move_on_after(100us, a.next());
    REQUIRE_FALSE(late.has_value());
    std::string const error = co_await error_of(take_one(a));
    REQUIRE(error.find("cancelled") != std::string::npos);
    auto const other = co_await b.next();
    REQUIRE(other == 1);
}

GREEN_TEST("a stream of very many items needs no stack and starves nobody", "[stream]") {
    long sum = 0;
    int others = 0;
    auto other = spawn([&]() -> task<> {
        for (;;) {
            co_await yield();
            ++others;
        }
    });
    stream<int> s = numbers(100'000).take(90'000);
    while (auto i = co_await s.next()) sum += *i;
    REQUIRE(sum == 89'999L * 90'000 / 2);
    REQUIRE(others > 100);
    other.cancel();
    co_await other.join();

    // A consumer of one that is always ready can be cancelled.
    auto const endless = []() -> stream<int> {
        for (int i = 0;; i = 1 - i) co_yield i;
    };
    auto h = spawn([&]() -> task<> {
        stream<int> e = endless();
        while (auto i = co_await e.next()) sum += *i;
    });
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
}

GREEN_TEST("the lines of a generator are in the stack of its consumer", "[stream]") {
    gate g;
    unsigned line = 0;
    auto const generator = [&]() -> stream<int> {
        line = __LINE__ + 1;
        co_await g.wait();
        co_yield 1;
        throw std::runtime_error("after line " + std::to_string(__LINE__ - 1));
    };
    stream<int> s = generator();
    auto h = spawn([&]() -> task<> {
        for (;;) co_await s.next();
    });
    co_await yield();
    const detail::green_task& t = detail::handle_access::task_of(h);
    REQUIRE(t.frame()->awaiting().line() == line);
    REQUIRE(t.frame()->parent()->awaiting().line() == line + 6);
    REQUIRE(t.frame()->parent()->parent() == nullptr);

    g.open();
    co_await h.join();
    REQUIRE(h.exception() != nullptr);
    REQUIRE(t.failure()->frames.size() == 2);
    REQUIRE(t.failure()->frames[0].line() == line + 1);  // the co_yield
    REQUIRE(t.failure()->frames[1].line() == line + 6);
}

}  // namespace
