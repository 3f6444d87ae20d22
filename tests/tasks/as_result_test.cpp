#include <green/tasks/as_result.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"
#include "support/tasks.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

namespace {

using namespace green;
using namespace green_test;

task<> sleeps(std::chrono::nanoseconds d) { co_await sleep_for(d); }
task<std::unique_ptr<int>> unique(int n) { co_return std::make_unique<int>(n); }

std::string text_of(const std::exception_ptr& e) { return e ? detail::describe(e) : "nothing"; }

static_assert(std::
                  is_same_v<await_result_t<decltype(as_result(value_after(1, 1ms)))>, result<int>>);
static_assert(std::is_same_v<await_result_t<decltype(as_result(sleep_for(1ms)))>, result<>>);

GREEN_TEST("as_result of a task: ready at once", "[as_result]") {
    auto const at_once = []() -> task<int> { co_return 4; };
    result<int> const r = co_await as_result(at_once());
    REQUIRE(r.has_value());
    REQUIRE(static_cast<bool>(r));
    REQUIRE(*r == 4);
    REQUIRE(r.value() == 4);
    REQUIRE(r.value_or(9) == 4);
    REQUIRE(r.error() == nullptr);
    REQUIRE_FALSE(r.cancelled());
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("as_result of a task: suspends, then completes or fails", "[as_result]") {
    result<int> const good = co_await as_result(value_after(5, 1ms));
    REQUIRE(good.value() == 5);
    result<int> const bad = co_await as_result(fails_after("broken", 1ms));
    REQUIRE_FALSE(bad.has_value());
    REQUIRE_FALSE(bad.cancelled());
    REQUIRE(text_of(bad.error()) == "broken");
    REQUIRE_THROWS_WITH(bad.value(), "broken");
    REQUIRE(bad.value_or(9) == 9);
    result<> const nothing = co_await as_result(sleeps(1ms));
    REQUIRE(nothing.has_value());
    REQUIRE_NOTHROW(nothing.value());
    REQUIRE(elapsed() == 3ms);
}

GREEN_TEST("as_result of a handle: ended already", "[as_result]") {
    auto const good = spawn(value_after(1, 1ms));
    auto const bad = spawn(fails_after("broken", 1ms));
    auto stopped = spawn(value_after(2, 1h));
    co_await sleep_for(2ms);
    stopped.cancel("enough");
    co_await stopped.join();
    result<int> const a = co_await as_result(good);
    result<int> const b = co_await as_result(bad);
    result<int> const c = co_await as_result(stopped);
    REQUIRE(*a == 1);
    REQUIRE(text_of(b.error()) == "broken");
    REQUIRE_FALSE(b.cancelled());
    REQUIRE(c.cancelled());
    REQUIRE_FALSE(c.has_value());
    REQUIRE(text_of(c.error()).find("was cancelled: enough") != std::string::npos);
    REQUIRE_THROWS_AS(c.value(), cancelled_error);
    REQUIRE(c.value_or(7) == 7);
    REQUIRE(good.value() == 1);  // copied
}

GREEN_TEST("as_result of a handle: waits; the failure counts as looked at", "[as_result]") {
    result<int> const good = co_await as_result(spawn(value_after(1, 1ms)));
    REQUIRE(*good == 1);
    result<int> const bad = co_await as_result(spawn(fails_after("broken", 1ms)));
    REQUIRE(text_of(bad.error()) == "broken");
    auto h = spawn(sleeps(1h));
    auto const canceller = spawn([&]() -> task<> {
        co_await sleep_for(1ms);
        h.cancel();
    });
    result<> const stopped = co_await as_result(h);
    REQUIRE(stopped.cancelled());
    REQUIRE(elapsed() == 3ms);
}

GREEN_TEST("as_result: cancelled before it starts, and while it waits", "[as_result]") {
    for (bool const begun : {false, true}) {
        census frames;
        bool went_on = false;
        auto target = spawn(sleeps(1h));
        auto const waits = [&](int which) -> task<> {
            tracker const t(frames);
            if (which == 0) co_await as_result(target);
            if (which == 1) co_await as_result(sleeps(1h));
            if (which == 2) co_await as_result(sleep_for(1h));
            went_on = true;
        };
        std::vector<join_handle<>> handles;
        for (int which = 0; which < 3; ++which) handles.push_back(spawn(waits, which));
        if (begun) co_await sleep_for(1ms);
        for (auto& h : handles) h.cancel();
        for (auto& h : handles) co_await h.join();
        for (auto& h : handles) REQUIRE(h.cancelled());
        REQUIRE_FALSE(went_on);
        REQUIRE_FALSE(target.done());  // the wait was cancelled, not the task
        REQUIRE(frames.clean());
        target.cancel();
    }
}

GREEN_TEST(
    "as_result: completes and is cancelled in the same turn: the result wins", "[as_result]"
) {
    gate g;
    int got = 0;
    auto const target = spawn([&]() -> task<int> {
        int const n = co_await g.wait();
        co_return n;
    });
    auto h = spawn([&]() -> task<> {
        result<int> const r = co_await as_result(target);
        got = r.value_or(-1);
        co_await yield();
        got = 0;
    });
    co_await yield();
    g.open(3);
    co_await yield();
    REQUIRE(target.done());
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(got == 3);
}

TEST_CASE("as_result at the end of run", "[as_result]") {
    census frames;
    run(virtual_clock(), [&]() -> task<> {
        auto const waits = [&](auto what) -> task<> {
            tracker const t(frames);
            co_await as_result(std::move(what));
        };
        spawn(waits, spawn(sleeps(1h)));
        spawn(waits, sleep_for(1h));
        co_await yield();
    });
    REQUIRE(frames.clean());
}

GREEN_TEST("as_result of any other awaitable", "[as_result]") {
    struct fails_foreign {
        bool await_ready() const { return true; }
        void await_suspend(std::coroutine_handle<>) {}
        int await_resume() const { throw std::runtime_error("foreign"); }
    };
    result<int> const bad = co_await as_result(fails_foreign{});
    REQUIRE(text_of(bad.error()) == "foreign");
    gate g;
    g.open(6);
    result<int> const good = co_await as_result(g.wait());
    REQUIRE(*good == 6);
    result<> const slept = co_await as_result(sleep_for(1ms));
    REQUIRE(slept.has_value());
    result<int> const late = co_await as_result(with_timeout(1ms, value_after(1, 1h)));
    REQUIRE_THROWS_AS(late.value(), timeout_error);
    result<> const yielded = co_await as_result(yield());
    REQUIRE(yielded.has_value());
}

GREEN_TEST("as_result of something whose task was cancelled underneath", "[as_result]") {
    auto target = spawn(sleeps(1h));
    auto const waits = [&]() -> task<> { co_await target; };
    auto const canceller = spawn([&]() -> task<> {
        target.cancel();
        co_return;
    });
    result<> const r = co_await as_result(waits());
    REQUIRE(r.cancelled());
    REQUIRE_FALSE(r.has_value());
}

GREEN_TEST("as_result in when_all: one failure does not cancel the others", "[as_result]") {
    auto const both =
        co_await when_all(as_result(fails_after("first", 1ms)), as_result(value_after(2, 5ms)));
    REQUIRE(text_of(std::get<0>(both).error()) == "first");
    REQUIRE(std::get<1>(both).value() == 2);
    REQUIRE(elapsed() == 5ms);
}

GREEN_TEST("as_result of move-only values and of references", "[as_result]") {
    result<std::unique_ptr<int>> r = co_await as_result(unique(3));
    REQUIRE(**r == 3);
    std::unique_ptr<int> const taken = std::move(r).value();
    REQUIRE(*taken == 3);
    result<std::unique_ptr<int>> const joined = co_await as_result(spawn(unique(4)));
    REQUIRE(*joined.value() == 4);
    REQUIRE(joined->get() == joined.value().get());

    int n = 5;
    auto const reference = [&]() -> task<int&> { co_return n; };
    result<int&> const ref = co_await as_result(reference());
    REQUIRE(&ref.value() == &n);
    REQUIRE(&*ref == &n);
    result<int&> const again = co_await as_result(spawn(reference));
    REQUIRE(&again.value() == &n);

    auto const text = []() -> task<std::string> { co_return "a text that is long enough"; };
    auto const kept = spawn(text);
    result<std::string> const copy = co_await as_result(kept);
    REQUIRE(copy->size() == kept.value()->size());
}

GREEN_TEST("misuse is thrown, not a result", "[as_result]") {
    task<int> empty;
    bool caught = false;
    try {
        co_await as_result(std::move(empty));
    } catch (const std::logic_error&) {
        caught = true;
    }
    REQUIRE(caught);
    join_handle<> self;
    auto const joins_itself = [&]() -> task<> { co_await as_result(self); };
    self = spawn(joins_itself);
    co_await self.join();
    REQUIRE(text_of(self.exception()).find("awaits its own join_handle") != std::string::npos);
    join_handle<int> none;
    REQUIRE_THROWS_AS(as_result(none), std::logic_error);
    self = {};
}

}  // namespace
