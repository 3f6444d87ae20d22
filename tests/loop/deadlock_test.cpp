#include "support/gate.hpp"
#include "support/green_test.hpp"
#include "support/text.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/timeout.hpp>

#include <chrono>
#include <string>

// Rule 10. Conformance 288.

namespace {

using namespace green;
using namespace green_test;

/// The text of the deadlock_error of running `body`; empty if there was none.
template <class F>
std::string deadlock_of(const run_options& options, F body) {
    try {
        run(options, body);
    } catch (const deadlock_error& e) {
        return e.what();
    }
    return {};
}

// conformance 288
TEST_CASE("a main that nobody can wake is a deadlock, at once", "[deadlock]") {
    auto const before = std::chrono::steady_clock::now();
    for (auto const& options : {real_clock(), virtual_clock()}) {
        census frames;
        auto const body = [&]() -> task<> {
            tracker const t(frames);
            co_await sleep_for(forever);
        };
        std::string const text = deadlock_of(options, body);
        REQUIRE(contains(text, "'main'"));
        REQUIRE(contains(text, "a sleep without end"));
        REQUIRE(contains(text, "deadlock_test.cpp"));
        REQUIRE(frames.clean());
    }
    REQUIRE(std::chrono::steady_clock::now() - before < 2s);
}

TEST_CASE("a deadlock report lists every blocked task and what it waits for", "[deadlock]") {
    gate g;
    auto const body = [&]() -> task<> {
        join_handle<void> first;
        join_handle<void> second;
        auto const joins = [](join_handle<void>* other) -> task<> { co_await *other; };
        first = spawn({.name = "first"}, joins, &second);
        second = spawn({.name = "second"}, joins, &first);
        auto const foreign = [&]() -> task<> { co_await g.wait(); };
        spawn({.name = "stranger"}, foreign);
        auto const child = [&]() -> task<> { co_await sleep_for(forever); };
        co_await with_group([&](task_group& group) -> task<> {
            group.spawn({.name = "child"}, child);
            co_await first;
        });
    };
    std::string const text = deadlock_of(virtual_clock(), body);
    INFO(text);
    REQUIRE(contains(text, "'main' waits for with_group of 2 tasks"));
    REQUIRE(contains(text, "'child' waits for a sleep without end"));
    REQUIRE(contains(text, "'first' waits for join of #3 'second'"));
    REQUIRE(contains(text, "'second' waits for join of #2 'first'"));
    REQUIRE(contains(text, "'stranger' waits for an awaitable that is not green's own"));
}

TEST_CASE("all tasks are unwound after a deadlock", "[deadlock]") {
    census frames;
    auto const body = [&]() -> task<> {
        auto const blocked = [&]() -> task<> {
            tracker const t(frames);
            co_await sleep_for(forever);
        };
        for (int i = 0; i < 10; ++i) spawn(blocked);
        co_await blocked();
    };
    REQUIRE_FALSE(deadlock_of(virtual_clock(), body).empty());
    REQUIRE(frames.born() == 11);
    REQUIRE(frames.clean());
}

TEST_CASE("a deadline, however far, is no deadlock", "[deadlock]") {
    auto const body = [&]() -> task<> { co_await move_on_after(1000h, sleep_for(forever)); };
    REQUIRE(deadlock_of(virtual_clock(), body).empty());
}

TEST_CASE("a deadlock may come late", "[deadlock]") {
    auto const body = [&]() -> task<> {
        auto const h = spawn([]() -> task<> {
            co_await sleep_for(1h);
            co_await sleep_for(forever);
        });
        co_await h;
    };
    REQUIRE(contains(deadlock_of(virtual_clock(), body), "'main' waits for join of #2"));
}

TEST_CASE("blocked tasks are no deadlock while main goes on", "[deadlock]") {
    auto const body = [&]() -> task<> {
        spawn([]() -> task<> { co_await sleep_for(forever); });
        co_await sleep_for(1h);
    };
    REQUIRE(deadlock_of(virtual_clock(), body).empty());
}

TEST_CASE("after a deadlock the thread may run again", "[deadlock]") {
    auto const body = []() -> task<> { co_await sleep_for(forever); };
    for (int i = 0; i < 3; ++i) {
        REQUIRE_FALSE(deadlock_of(virtual_clock(), body).empty());
        REQUIRE(run([]() -> task<int> { co_return 1; }) == 1);
    }
}

}  // namespace
