#include <green/tasks/spawn.hpp>

#include "support/green_test.hpp"

#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/this_task.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

// conformance 140: spawn of what is no coroutine does not compile; see tests/misuse.

namespace {

using namespace green;
using namespace green_test;

task<int> value(int n) { co_return n; }

struct counter {
    int total = 0;
    task<int> add(int n) {
        co_await yield();
        total += n;
        co_return total;
    }
    task<int> read() const { co_return total; }
};

GREEN_TEST("spawn takes a task, a callable, a member function, any awaitable", "[spawn]") {
    auto const a = spawn(value(1));
    auto const b = spawn(value, 2);
    auto const lambda = [](int n, int m) -> task<int> { co_return n* m; };
    auto const c = spawn(lambda, 3, 4);
    counter object;
    auto const d = spawn(&counter::add, &object, 5);
    auto const e = spawn(&counter::read, counter{6});
    auto const f = spawn(sleep_for(7ms));
    auto const g = spawn([] { return value(8); });  // calls a coroutine
    int const results[] = {co_await a, co_await b, co_await c, co_await d, co_await e, co_await g};
    REQUIRE(results[0] == 1);
    REQUIRE(results[1] == 2);
    REQUIRE(results[2] == 12);
    REQUIRE(results[3] == 5);
    REQUIRE(results[4] == 6);
    REQUIRE(results[5] == 8);
    co_await f;
    REQUIRE(elapsed() == 7ms);
}

// conformance 141
GREEN_TEST("tasks start in the order of their spawn, at the next turn", "[spawn]") {
    recorder log;
    auto const body = [&](const char* name) -> task<> {
        log.note(name);
        co_return;
    };
    auto const a = spawn(body, "a");
    auto const b = spawn(body, "b");
    auto const c = spawn(body, "c");
    log.note("spawned");
    co_await c;
    REQUIRE(log.text() == "spawned a b c");
}

GREEN_TEST("the callable and its arguments live until the body has ended", "[spawn]") {
    census frames;
    auto const body = [t = tracker(frames)](tracker, std::unique_ptr<int> p) -> task<int> {
        co_await sleep_for(1ms);
        co_return *p;
    };
    {
        auto h = spawn(body, tracker(frames), std::make_unique<int>(5));
        int const n = co_await h;
        REQUIRE(n == 5);
        REQUIRE(frames.live() == 1);  // our own closure; the handle keeps the result only
    }
    REQUIRE(frames.live() == 1);
    REQUIRE(frames.wrongly_destroyed() == 0);
}

GREEN_TEST("a spawned task that never begins destroys what it was given", "[spawn]") {
    census frames;
    recorder log;
    auto const body = [&](tracker) -> task<> {
        log.note("began");
        co_return;
    };
    auto h = spawn(body, tracker(frames));
    REQUIRE(h.cancel());
    co_await h.join();
    REQUIRE(h.cancelled());
    auto g = spawn(body(tracker(frames)));
    g.cancel();
    co_await g.join();
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
}

GREEN_TEST("what a callable throws before it is a coroutine is its task's failure", "[spawn]") {
    auto const thrower = [](int n) -> task<int> {
        if (n > 0) throw std::runtime_error("no coroutine");
        return value(n);
    };
    auto const h = spawn(thrower, 1);
    co_await h.join();
    REQUIRE_THROWS_WITH(h.result(), "no coroutine");
}

GREEN_TEST("an empty task cannot be spawned", "[spawn]") {
    REQUIRE_THROWS_AS(spawn(task<int>()), std::logic_error);
    auto const gives_empty = []() -> task<int> { return {}; };
    auto const h = spawn(gives_empty);
    co_await h.join();
    REQUIRE_THROWS_AS(h.result(), std::logic_error);
}

GREEN_TEST("a name is copied and shown", "[spawn]") {
    std::string name = "a worker with a long name";
    auto const body = []() -> task<std::string> { co_return std::string(this_task::name()); };
    auto const h = spawn({.name = name}, body);
    name = "gone";
    std::string const seen = co_await h;
    REQUIRE(seen == "a worker with a long name");
    REQUIRE(h.name() == "a worker with a long name");
    auto const plain = spawn({.name = "seven"}, value(7));
    int const n = co_await plain;
    REQUIRE(n == 7);
    REQUIRE(plain.name() == "seven");
}

GREEN_TEST("ids are unique in a run; main is 1", "[spawn]") {
    REQUIRE(this_task::id() == task_id{1});
    auto const a = spawn(value(1));
    auto const b = spawn(value(1));
    REQUIRE(a.id() != b.id());
    REQUIRE(a.id() != task_id::none);
    co_return;
}

GREEN_TEST("a hundred thousand tasks live at once", "[spawn]") {
    int woken = 0;
    auto const body = [&]() -> task<> {
        co_await sleep_for(1ms);
        ++woken;
    };
    for (int i = 0; i < 100'000; ++i) spawn(body);
    co_await sleep_for(2ms);
    REQUIRE(woken == 100'000);
}

}  // namespace
