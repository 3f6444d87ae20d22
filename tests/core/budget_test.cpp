#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/core/scheduler.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/when_all.hpp>

#include <coroutine>
#include <stdexcept>

// Rule 11: however many awaits complete at once, the stack stays bounded in builds without tail calls,
// and the other tasks have their turns. Conformance 308.

namespace {

using namespace green;
using namespace green_test;

constexpr int many = 1'000'000;

task<int> immediate(int n) { co_return n; }

task<int> throws_at_once() {
    throw std::runtime_error("at once");
    co_return 0;
}

struct always_ready {
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    int await_resume() const noexcept { return 1; }
};
struct declines_to_suspend {
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<>) const noexcept { return false; }
    int await_resume() const noexcept { return 1; }
};
struct transfers_back {
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const noexcept { return h; }
    int await_resume() const noexcept { return 1; }
};
struct resumes_at_once {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const { h.resume(); }
    int await_resume() const noexcept { return 1; }
};
struct throws_in_suspend {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("not today"); }
    int await_resume() const noexcept { return 1; }
};

GREEN_TEST("a million synchronous tasks do not overflow the stack", "[budget]") {
    long sum = 0;
    for (int i = 0; i < many; ++i) sum += co_await immediate(1);
    REQUIRE(sum == many);
}

GREEN_TEST("nor do tasks that fail at once", "[budget]") {
    int caught = 0;
    for (int i = 0; i < 20'000; ++i) {
        try {
            co_await throws_at_once();
        } catch (const std::runtime_error&) {
            ++caught;
        }
    }
    REQUIRE(caught == 20'000);
}

template <class Awaiter>
task<long> await_many(int times) {
    long sum = 0;
    for (int i = 0; i < times; ++i) sum += co_await Awaiter{};
    co_return sum;
}

GREEN_TEST("nor do awaiters that are ready", "[budget]") {
    long const sum = co_await await_many<always_ready>(many);
    REQUIRE(sum == many);
}

GREEN_TEST("nor do awaiters that decline to suspend", "[budget]") {
    long const sum = co_await await_many<declines_to_suspend>(many);
    REQUIRE(sum == many);
}

GREEN_TEST("nor do awaiters that transfer back", "[budget]") {
    long const sum = co_await await_many<transfers_back>(many);
    REQUIRE(sum == many);
}

GREEN_TEST("nor do awaiters that resume inside await_suspend", "[budget]") {
    long const sum = co_await await_many<resumes_at_once>(many / 10);
    REQUIRE(sum == many / 10);
}

GREEN_TEST("nor do awaiters that throw in await_suspend", "[budget]") {
    int caught = 0;
    for (int i = 0; i < 20'000; ++i) {
        try {
            co_await throws_in_suspend{};
        } catch (const std::runtime_error&) {
            ++caught;
        }
    }
    REQUIRE(caught == 20'000);
}

GREEN_TEST("nor do joins of what has ended, empty combinators and shields", "[budget]") {
    auto const ended = spawn(immediate(1));
    co_await ended;
    long sum = 0;
    for (int i = 0; i < many / 10; ++i) {
        sum += co_await ended;
        co_await when_all();
        sum += co_await shield(immediate(1));
    }
    REQUIRE(sum == many / 5);
}

// One always-ready task, one that counts its turns meanwhile.
template <class Body>
task<int> turns_beside(Body busy) {
    bool over = false;
    int turns = 0;
    auto const counting = [&]() -> task<> {
        while (!over) {
            ++turns;
            co_await yield();
        }
    };
    auto const other = spawn(counting);
    co_await busy();
    over = true;
    co_await other;
    co_return turns;
}

// conformance 308
GREEN_TEST("an always-ready task does not starve the others", "[budget]") {
    constexpr int awaits = 25'600;
    constexpr int least = awaits / detail::scheduler::steps_per_dispatch;
    auto const tasks = []() -> task<> {
        for (int i = 0; i < awaits; ++i) co_await immediate(1);
    };
    int turns = co_await turns_beside(tasks);
    REQUIRE(turns >= least);
    auto const ready = []() -> task<> { co_await await_many<always_ready>(awaits); };
    turns = co_await turns_beside(ready);
    REQUIRE(turns >= least);
    auto const declines = []() -> task<> { co_await await_many<declines_to_suspend>(awaits); };
    turns = co_await turns_beside(declines);
    REQUIRE(turns >= least);
    auto const joins = []() -> task<> {
        auto const h = spawn(immediate(1));
        for (int i = 0; i < awaits; ++i) co_await h;
    };
    turns = co_await turns_beside(joins);
    REQUIRE(turns >= least);
}

// A task whose budget is used up is ready, not waiting: the result that it has in hand is not lost.
GREEN_TEST("a cancel between a step and its turn takes effect at the next suspension", "[budget]") {
    census frames;
    int done = 0;
    auto const busy = [&]() -> task<> {
        tracker const t(frames);
        for (;;) {
            co_await immediate(1);
            co_await always_ready{};
            ++done;
        }
    };
    auto h = spawn(busy);
    co_await yield();
    int const before = done;
    REQUIRE(before > 0);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(done <= before + 1);
    REQUIRE(frames.clean());
}

}  // namespace
