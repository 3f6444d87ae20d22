#include <green/tasks/timeout.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/when_all.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

task<int> value_after(int n, std::chrono::nanoseconds d) {
    co_await sleep_for(d);
    co_return n;
}

/// What `t` throws, or "none".
template <class T>
task<std::string> error_of(task<T> t) {
    std::string text = "none";
    try {
        co_await std::move(t);
    } catch (const timeout_error& e) {
        text = std::string("timeout: ") + e.what();
    } catch (const std::exception& e) {
        text = e.what();
    }
    co_return text;
}

GREEN_TEST("with_timeout: ready at once, and in time", "[timeout]") {
    auto const immediate = []() -> task<int> { co_return 1; };
    int n = co_await with_timeout(1s, immediate());
    REQUIRE(n == 1);
    REQUIRE(elapsed() == 0ms);
    n = co_await with_timeout(10ms, value_after(2, 5ms));
    REQUIRE(n == 2);
    REQUIRE(elapsed() == 5ms);
    auto const p = co_await with_timeout(10ms, []() -> task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(3);
    }());
    REQUIRE(*p == 3);
    co_await with_timeout(10ms, sleep_for(1ms));
    REQUIRE(elapsed() == 6ms);
}

GREEN_TEST("with_timeout cancels what is late and throws", "[timeout]") {
    census frames;
    auto const late = [&]() -> task<int> {
        tracker const t(frames);
        co_await sleep_for(1h);
        co_return 1;
    };
    std::string const error = co_await error_of(with_timeout(5ms, late()));
    REQUIRE(error == "timeout: with_timeout: not done after 5 ms");
    REQUIRE(elapsed() == 5ms);
    REQUIRE(frames.clean());
}

GREEN_TEST("move_on_after gives nothing instead of throwing", "[timeout]") {
    std::optional<int> n = co_await move_on_after(5ms, value_after(1, 1h));
    REQUIRE_FALSE(n.has_value());
    REQUIRE(elapsed() == 5ms);
    n = co_await move_on_after(5ms, value_after(1, 1ms));
    REQUIRE(n == 1);
    bool in_time = co_await move_on_after(5ms, sleep_for(1h));
    REQUIRE_FALSE(in_time);
    in_time = co_await move_on_after(5ms, sleep_for(1ms));
    REQUIRE(in_time);
}

GREEN_TEST("with_deadline is a point in time", "[timeout]") {
    auto const deadline = green::now() + 5ms;
    co_await sleep_for(3ms);
    std::string const error = co_await error_of(with_deadline(deadline, value_after(1, 1h)));
    REQUIRE(error == "timeout: with_deadline: not done after 2 ms");
    REQUIRE(elapsed() == 5ms);
    int const n = co_await with_deadline(green::clock::time_point::max(), value_after(2, 1h));
    REQUIRE(n == 2);
}

GREEN_TEST("the limit counts from the co_await", "[timeout]") {
    auto waiting = with_timeout(5ms, value_after(1, 4ms));
    co_await sleep_for(10ms);
    int const n = co_await std::move(waiting);
    REQUIRE(n == 1);
    REQUIRE(elapsed() == 14ms);
}

// conformance 252, 260: a body that never suspends completes even without any time. (asyncio's wait_for
// does not start a coroutine then; green, as trio, starts it and stops it at its first suspension.)
GREEN_TEST("no time at all lets a body that never suspends complete", "[timeout]") {
    for (auto const limit : {0ms, -5ms}) {
        recorder log;
        auto const immediate = [&]() -> task<int> {
            log.note("ran");
            co_return 1;
        };
        auto const suspends = [&]() -> task<int> {
            log.note("began");
            co_await yield();
            log.note("never");
            co_return 2;
        };
        int const n = co_await with_timeout(limit, immediate());
        REQUIRE(n == 1);
        std::optional<int> const m = co_await move_on_after(limit, immediate());
        REQUIRE(m == 1);
        int const d = co_await with_deadline(green::clock::time_point{}, immediate());
        REQUIRE(d == 1);
        std::string const error = co_await error_of(with_timeout(limit, sleep_for(1ms)));
        REQUIRE(error.rfind("timeout: ", 0) == 0);
        std::optional<int> const late = co_await move_on_after(limit, suspends());
        // A yield is complete at once, so the body goes on until its next suspension or its end.
        REQUIRE(late.value_or(2) == 2);
        REQUIRE(elapsed() == 0ms);
    }
}

GREEN_TEST_REAL_CLOCK("no time at all lets it complete under load, too", "[timeout]") {
    auto const busy = []() -> task<> {
        for (int i = 0; i < 20; ++i) co_await yield();
    };
    for (int i = 0; i < 3000; ++i) spawn(busy);
    auto const immediate = []() -> task<int> { co_return 1; };
    for (int i = 0; i < 10; ++i) {
        int const n = co_await with_timeout(0s, immediate());
        REQUIRE(n == 1);
    }
}

// conformance 260
GREEN_TEST("a wait without time for what has ended gives its value", "[timeout]") {
    auto const h = spawn(value_after(1, 0ms));
    co_await h;
    int const n = co_await with_timeout(0s, h);
    REQUIRE(n == 1);
}

// conformance 253, 277
GREEN_TEST("an endless or huge limit never fires", "[timeout]") {
    int n = co_await with_timeout(forever, value_after(1, 100h));
    REQUIRE(n == 1);
    n = co_await with_timeout(std::chrono::seconds(std::int64_t{1} << 55), value_after(2, 100h));
    REQUIRE(n == 2);
    n = co_await with_timeout(
        std::chrono::duration<double>(std::numeric_limits<double>::infinity()), value_after(3, 100h)
    );
    REQUIRE(n == 3);
}

// conformance 258
GREEN_TEST("the value wins a tie with the deadline", "[timeout]") {
    int n = co_await with_timeout(5ms, value_after(1, 5ms));
    REQUIRE(n == 1);
    std::optional<int> const m = co_await move_on_after(5ms, value_after(2, 5ms));
    REQUIRE(m == 2);
    n = co_await with_timeout(5ms, with_timeout(5ms, with_timeout(5ms, value_after(3, 5ms))));
    REQUIRE(n == 3);
    auto const h = spawn(value_after(4, 5ms));
    n = co_await with_timeout(5ms, h);
    REQUIRE(n == 4);
    REQUIRE(elapsed() == 20ms);
}

// conformance 254
GREEN_TEST("of nested limits the one that ran out reports", "[timeout]") {
    recorder log;
    auto const inner_first = [&]() -> task<> {
        std::string const error = co_await error_of(with_timeout(5ms, sleep_for(1h)));
        log.stamp(error.substr(0, 7));
        co_await sleep_for(1h);
    };
    std::string error = co_await error_of(with_timeout(20ms, inner_first()));
    REQUIRE(error == "timeout: with_timeout: not done after 20 ms");
    REQUIRE(log.text() == "timeout@5");
    REQUIRE(elapsed() == 20ms);

    // The outer one is silent about the inner: it passes through uncaught.
    auto const silent_inner = []() -> task<> {
        bool const in_time = co_await move_on_after(100ms, sleep_for(1h));
        (void)in_time;
        throw std::logic_error("the outer limit was swallowed");
    };
    error = co_await error_of(with_timeout(10ms, silent_inner()));
    REQUIRE(error == "timeout: with_timeout: not done after 10 ms");
    REQUIRE(elapsed() == 30ms);

    auto const inner = co_await move_on_after(10ms, error_of(with_timeout(10ms, sleep_for(1h))));
    REQUIRE_FALSE(inner.has_value());  // at one instant the outer one, armed first, reports
    REQUIRE(elapsed() == 40ms);
}

// conformance 256
GREEN_TEST("a failure is not replaced by timeout_error", "[timeout]") {
    auto const fails = [](std::chrono::nanoseconds d) -> task<> {
        co_await sleep_for(d);
        throw std::runtime_error("its own");
    };
    std::string error = co_await error_of(with_timeout(5ms, fails(5ms)));
    REQUIRE(error == "its own");
    gate refuses(gate::when_cancelled::refuses);
    auto const fails_late = [&]() -> task<> {
        co_await refuses.wait();
        throw std::runtime_error("while being cancelled");
    };
    auto const opener = spawn([&]() -> task<> {
        co_await sleep_for(10ms);
        refuses.open();
    });
    error = co_await error_of(with_timeout(5ms, fails_late()));
    REQUIRE(error == "while being cancelled");
}

// conformance 261
GREEN_TEST("with_timeout waits for the cleanup of what it cancelled", "[timeout]") {
    recorder log;
    auto const body = [&]() -> task<> {
        co_await shield(sleep_for(20ms));
        log.stamp("cleaned");
        co_await sleep_for(1h);
    };
    std::string const error = co_await error_of(with_timeout(5ms, body()));
    log.stamp("timeout");
    REQUIRE(error.rfind("timeout", 0) == 0);
    REQUIRE(log.text() == "cleaned@20 timeout@20");
}

GREEN_TEST("what ends well although it was late gives its value", "[timeout]") {
    auto const body = [&]() -> task<int> {
        co_await shield(sleep_for(20ms));
        co_return 1;
    };
    int const n = co_await with_timeout(5ms, body());
    REQUIRE(n == 1);
    REQUIRE(elapsed() == 20ms);
}

// conformance 257
GREEN_TEST("a cancel from outside stays a cancel", "[timeout]") {
    recorder log;
    census frames;
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        try {
            co_await with_timeout(10ms, sleep_for(1h));
        } catch (...) {
            log.note("caught");
        }
        log.note("never");
    });
    co_await sleep_for(5ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(elapsed() == 5ms);
    REQUIRE(log.text().empty());
    REQUIRE(frames.clean());
}

GREEN_TEST("with_timeout: cancelled before it starts, the body never runs", "[timeout]") {
    recorder log;
    auto const body = [&]() -> task<> {
        log.note("never");
        co_return;
    };
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        co_await with_timeout(1s, body());
        log.note("never");
    });
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text().empty());
}

GREEN_TEST("with_timeout: completed and cancelled in one turn, the result wins", "[timeout]") {
    recorder log;
    gate g;
    auto h = spawn([&]() -> task<> {
        std::optional<int> const n = co_await move_on_after(1h, g.wait());
        log.note(std::to_string(n.value_or(-1)));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    g.open(7);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "7");
    REQUIRE(h.cancelled());
}

TEST_CASE("with_timeout: destroyed by the end of the run", "[timeout]") {
    census frames;
    auto const body = [&]() -> task<> {
        tracker const t(frames);
        co_await with_timeout(1h, sleep_for(2h));
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(body);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 1);
    });
    REQUIRE(frames.clean());
}

GREEN_TEST("a limit that is not used up leaves nothing behind", "[timeout]") {
    for (int i = 0; i < 1000; ++i) co_await with_timeout(5ms, yield());
    co_await sleep_for(10ms);  // the limits would fire now
    REQUIRE(elapsed() == 10ms);
}

GREEN_TEST("many limits of one instant", "[timeout]") {
    std::vector<task<bool>> tasks;
    for (int i = 0; i < 1000; ++i) {
        tasks.push_back(move_on_after(5ms, sleep_for(i % 2 == 0 ? 5ms : 6ms)));
    }
    auto const in_time = co_await when_all(std::move(tasks));
    int count = 0;
    for (bool const b : in_time) count += b ? 1 : 0;
    REQUIRE(count == 500);
    REQUIRE(elapsed() == 5ms);
}

}  // namespace
