#include <green/tasks/this_task.hpp>

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/timeout.hpp>

#include <stdexcept>
#include <string>

namespace {

using namespace green;
using namespace green_test;

TEST_CASE("this_task outside a task is an error", "[this_task]") {
    REQUIRE_THROWS_AS(this_task::id(), std::logic_error);
    REQUIRE_THROWS_AS(this_task::name(), std::logic_error);
    REQUIRE_THROWS_AS(this_task::cancel_requested(), std::logic_error);
    REQUIRE_THROWS_AS(this_task::deadline(), std::logic_error);
    bool thrown = false;
    run([&]() -> task<> {
        this_loop().post([&] {
            try {
                this_task::id();
            } catch (const std::logic_error&) {
                thrown = true;
            }
        });
        co_await yield();
        co_await yield();
    });
    REQUIRE(thrown);
}

GREEN_TEST("id and name are those of the task that runs", "[this_task]") {
    REQUIRE(this_task::name() == "main");
    task_id inside{};
    auto const body = [&]() -> task<> {
        inside = this_task::id();
        REQUIRE(this_task::name() == "named");
        co_await yield();
        REQUIRE(this_task::name() == "named");
    };
    auto const h = spawn({.name = "named"}, body);
    co_await h;
    REQUIRE(inside == h.id());
    auto const anonymous = []() -> task<std::string> { co_return std::string(this_task::name()); };
    auto const unnamed = spawn(anonymous);
    std::string const name = co_await unnamed;
    REQUIRE(name.empty());
}

GREEN_TEST("inside a combinator the name is that of the task around", "[this_task]") {
    auto const name = []() -> task<std::string> { co_return std::string(this_task::name()); };
    std::string const seen = co_await with_timeout(1s, with_timeout(1s, name()));
    REQUIRE(seen == "main");
    auto const id = []() -> task<task_id> { co_return this_task::id(); };
    task_id const own = co_await with_timeout(1s, id());
    REQUIRE(own != this_task::id());
}

GREEN_TEST("deadline is the nearest of the limits around", "[this_task]") {
    REQUIRE(this_task::deadline() == green::clock::time_point::max());
    auto const deadline = []() -> task<green::clock::time_point> {
        co_return this_task::deadline();
    };
    auto d = co_await with_timeout(5ms, with_timeout(1h, deadline()));
    REQUIRE(d == green::clock::time_point(5ms));
    d = co_await with_timeout(1h, with_timeout(7ms, deadline()));
    REQUIRE(d == green::clock::time_point(7ms));
    d = co_await with_timeout(9ms, with_group([&](task_group& g) -> task<green::clock::time_point> {
                                  auto const h = g.spawn(deadline);
                                  auto const inner = co_await h;
                                  co_return inner;
                              }));
    REQUIRE(d == green::clock::time_point(9ms));
    auto const spawns = [&]() -> task<green::clock::time_point> {
        auto const h = spawn(deadline);
        auto const inner = co_await h;
        co_return inner;
    };
    d = co_await with_timeout(9ms, spawns());
    REQUIRE(d == green::clock::time_point::max());  // not passed on by spawn
}

GREEN_TEST("cancel_requested tells a computation that never suspends", "[this_task]") {
    REQUIRE_FALSE(this_task::cancel_requested());
    join_handle<int> h;
    h = spawn([&]() -> task<int> {
        int rounds = 0;
        while (!this_task::cancel_requested()) {
            if (++rounds == 3) h.cancel();
        }
        co_return rounds;
    });
    int const rounds = co_await h;
    REQUIRE(rounds == 3);
}

}  // namespace
