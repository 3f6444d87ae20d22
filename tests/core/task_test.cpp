#include <green/core/task.hpp>

#include "support/green_test.hpp"

#include <green/loop/sleep.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

task<int> add(int a, int b) { co_return a + b; }

static_assert(std::is_nothrow_move_constructible_v<task<int>>);
static_assert(std::is_nothrow_move_assignable_v<task<int>>);
static_assert(!std::is_copy_constructible_v<task<int>>);

GREEN_TEST("a task gives its value to who awaits it", "[task]") {
    int const sum = co_await add(1, 2);
    REQUIRE(sum == 3);
    task<int> t = add(3, 4);
    int const other = co_await std::move(t);
    REQUIRE(other == 7);
    REQUIRE_FALSE(static_cast<bool>(t));  // NOLINT(bugprone-use-after-move)
}

GREEN_TEST("a task is lazy, and destroyed unrun when it is never awaited", "[task]") {
    census frames;
    recorder log;
    auto const body = [&](tracker) -> task<> {
        log.note("ran");
        co_return;
    };
    {
        task<> const t = body(tracker(frames));
        REQUIRE(static_cast<bool>(t));
        REQUIRE(frames.live() == 1);
        co_await yield();
    }
    REQUIRE(frames.clean());
    task<> replaced = body(tracker(frames));
    replaced = body(tracker(frames));
    REQUIRE(frames.live() == 1);
    replaced = task<>();
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
}

GREEN_TEST("an awaited task is destroyed at the end of the expression", "[task]") {
    census frames;
    auto const body = [&]() -> task<int> {
        tracker const t(frames);
        co_await yield();
        co_return frames.live();
    };
    int const live = co_await body();
    REQUIRE(live == 1);
    REQUIRE(frames.clean());
}

GREEN_TEST("an exception goes through the tasks to who catches it", "[task]") {
    census frames;
    auto const innermost = [&]() -> task<int> {
        tracker const t(frames);
        co_await yield();
        throw std::runtime_error("deep");
    };
    auto const middle = [&]() -> task<int> {
        tracker const t(frames);
        int const n = co_await innermost();
        co_return n;
    };
    std::string caught;
    try {
        co_await middle();
    } catch (const std::runtime_error& e) {
        caught = e.what();
    }
    REQUIRE(caught == "deep");
    REQUIRE(frames.born() == 2);
    REQUIRE(frames.clean());
}

GREEN_TEST("an empty task cannot be awaited", "[task]") {
    task<int> t = add(1, 1);
    co_await std::move(t);
    std::string error;
    try {
        co_await std::move(t);  // NOLINT(bugprone-use-after-move)
    } catch (const std::logic_error& e) {
        error = e.what();
    }
    REQUIRE(error.find("awaited already") != std::string::npos);
}

GREEN_TEST("a result may be move-only, a reference, or have no default", "[task]") {
    struct bare {
        explicit bare(int n) : number(n) {}
        int number;
    };
    int number = 1;
    std::string const constant = "constant";
    auto const pointer = [](int n) -> task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(n);
    };
    auto const reference = [&]() -> task<int&> { co_return number; };
    auto const const_reference = [&]() -> task<const std::string&> { co_return constant; };
    auto const no_default = []() -> task<bare> { co_return bare(6); };
    auto const nested = []() -> task<task<int>> { co_return add(2, 2); };

    auto const p = co_await pointer(5);
    REQUIRE(*p == 5);
    int& r = co_await reference();
    r = 2;
    REQUIRE(number == 2);
    const std::string& c = co_await const_reference();
    REQUIRE(&c == &constant);
    bare const b = co_await no_default();
    REQUIRE(b.number == 6);
    task<int> inner = co_await nested();
    int const four = co_await std::move(inner);
    REQUIRE(four == 4);
}

struct throws_when_copied {
    throws_when_copied() = default;
    throws_when_copied(const throws_when_copied&) { throw std::runtime_error("copied"); }
    throws_when_copied& operator=(const throws_when_copied&) = default;
};

GREEN_TEST("a result whose copy throws is a failure of the task", "[task]") {
    auto const body = []() -> task<throws_when_copied> {
        throws_when_copied const one;
        co_return one;
    };
    bool caught = false;
    try {
        co_await body();
    } catch (const std::runtime_error&) {
        caught = true;
    }
    REQUIRE(caught);
}

GREEN_TEST("a result may itself be an exception_ptr", "[task]") {
    auto const body = []() -> task<std::exception_ptr> { co_return std::make_exception_ptr(1); };
    std::exception_ptr const e = co_await body();
    REQUIRE(e != nullptr);
}

task<int> sum_of(int depth) {
    if (depth == 0) co_return 0;
    int const below = co_await sum_of(depth - 1);
    co_return below + 1;
}

GREEN_TEST("tasks may await each other to any depth", "[task]") {
    int const depth = co_await sum_of(100'000);
    REQUIRE(depth == 100'000);
}

task<> fail_below(int depth, census& frames) {
    tracker const t(frames);
    if (depth == 0) throw std::runtime_error("bottom");
    co_await fail_below(depth - 1, frames);
}

GREEN_TEST("a failure climbs any depth", "[task]") {
    census frames;
    bool caught = false;
    try {
        co_await fail_below(2000, frames);
    } catch (const std::runtime_error&) {
        caught = true;
    }
    REQUIRE(caught);
    REQUIRE(frames.born() == 2001);
    REQUIRE(frames.clean());
}

}  // namespace
