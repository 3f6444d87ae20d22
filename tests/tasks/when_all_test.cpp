#include <green/tasks/when_all.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"
#include "support/tasks.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

GREEN_TEST("when_all of nothing is ready at once", "[when_all]") {
    std::tuple<> const none = co_await when_all();
    (void)none;
    std::vector<task<int>> no_tasks;
    std::vector<int> const values = co_await when_all(no_tasks);
    REQUIRE(values.empty());
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("when_all gives the values in argument order when all have ended", "[when_all]") {
    auto const text = []() -> task<std::string> {
        co_await sleep_for(1ms);
        co_return "text";
    };
    auto const pointer = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(3); };
    auto [n, t, nothing, p] =
        co_await when_all(value_after(1, 5ms), text(), sleep_for(2ms), pointer());
    REQUIRE(n == 1);
    REQUIRE(t == "text");
    REQUIRE(std::is_same_v<decltype(nothing), std::monostate>);
    REQUIRE(*p == 3);
    REQUIRE(elapsed() == 5ms);
}

GREEN_TEST("when_all of a range gives a vector", "[when_all]") {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 5; ++i) tasks.push_back(value_after(i, std::chrono::milliseconds(5 - i)));
    std::vector<int> const values = co_await when_all(std::move(tasks));
    REQUIRE(values == std::vector<int>{0, 1, 2, 3, 4});
    REQUIRE(elapsed() == 5ms);
    std::vector<task<>> voids;
    voids.push_back(sleep_for(1ms));
    voids.push_back(sleep_for(2ms));
    co_await when_all(std::move(voids));
    REQUIRE(elapsed() == 7ms);
}

GREEN_TEST("when_all takes foreign awaitables and handles", "[when_all]") {
    gate g;
    auto const opener = spawn([&]() -> task<> {
        co_await sleep_for(1ms);
        g.open(4);
    });
    auto const h = spawn(value_after(5, 2ms));
    auto const [a, b, c] = co_await when_all(g.wait(), h, opener);
    REQUIRE(a == 4);
    REQUIRE(b == 5);
    (void)c;
}

GREEN_TEST(
    "the first failure cancels the others, and is thrown when they have ended", "[when_all]"
) {
    census frames;
    auto const slow_to_end = [&]() -> task<int> {
        tracker const t(frames);
        co_await shield(sleep_for(5ms));
        co_await sleep_for(1h);
        co_return 1;
    };
    std::string error;
    try {
        co_await when_all(slow_to_end(), fails_after("bad", 1ms), value_after(1, 1h));
    } catch (const std::runtime_error& e) {
        error = e.what();
    }
    REQUIRE(error == "bad");
    REQUIRE(elapsed() == 5ms);
    REQUIRE(frames.clean());
}

GREEN_TEST("failures of one instant come as a group", "[when_all]") {
    std::string error;
    try {
        co_await when_all(fails_after("one", 1ms), fails_after("two", 1ms));
    } catch (const exception_group& e) {
        error = e.what();
    }
    REQUIRE(error == "2 tasks failed: (1) one (2) two");
}

GREEN_TEST("when_all: cancelled before it starts, no child begins", "[when_all]") {
    recorder log;
    auto const child = [&]() -> task<> {
        log.note("never");
        co_return;
    };
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        co_await when_all(child(), child());
        log.note("never");
    });
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text().empty());
}

GREEN_TEST("when_all: cancelled while it waits, unwinds when the last has ended", "[when_all]") {
    census frames;
    auto const child = [&](std::chrono::nanoseconds cleanup) -> task<> {
        tracker const t(frames);
        co_await shield(sleep_for(cleanup));
        co_await sleep_for(1h);
    };
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await when_all(child(2ms), child(8ms));
    });
    co_await sleep_for(4ms);
    h.cancel();
    co_await h.join();
    REQUIRE(elapsed() == 8ms);
    REQUIRE(h.cancelled());
    REQUIRE(frames.clean());
}

GREEN_TEST("when_all: completed and cancelled in one turn, the result wins", "[when_all]") {
    recorder log;
    gate g;
    auto h = spawn([&]() -> task<> {
        auto const [a, b] = co_await when_all(g.wait(), g.wait());
        log.note(std::to_string(a + b));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    g.open(2);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "4");
    REQUIRE(h.cancelled());
}

TEST_CASE("when_all: destroyed by the end of the run", "[when_all]") {
    census frames;
    auto const child = [&]() -> task<int> {
        tracker const t(frames);
        co_await sleep_for(1h);
        co_return 1;
    };
    auto const parent = [&]() -> task<> {
        tracker const t(frames);
        co_await when_all(child(), child());
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(parent);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 3);
    });
    REQUIRE(frames.clean());
}

GREEN_TEST("children may refer to what is declared before", "[when_all]") {
    int sum = 0;
    auto const adds = [&](int n) -> task<> {
        co_await sleep_for(std::chrono::milliseconds(n));
        sum += n;
    };
    co_await when_all(adds(1), adds(2), adds(3));
    REQUIRE(sum == 6);
}

GREEN_TEST("many children", "[when_all]") {
    std::vector<task<int>> tasks;
    for (int i = 0; i < 20'000; ++i)
        tasks.push_back(value_after(1, std::chrono::microseconds(i % 7)));
    std::vector<int> const values = co_await when_all(std::move(tasks));
    REQUIRE(values.size() == 20'000);
}

}  // namespace
