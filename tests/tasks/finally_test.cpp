#include <green/tasks/finally.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/timeout.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using namespace green;
using namespace green_test;

template <class T>
task<std::string> error_of(task<T> t) {
    std::string text = "none";
    try {
        co_await std::move(t);
    } catch (const std::exception& e) {
        text = e.what();
    }
    co_return text;
}

GREEN_TEST("finally_ runs the cleanup after the body and gives the body's value", "[finally]") {
    recorder log;
    auto const body = [&]() -> task<int> {
        co_await sleep_for(1ms);
        log.stamp("body");
        co_return 5;
    };
    auto const cleanup = [&]() -> task<> {
        co_await sleep_for(1ms);
        log.stamp("cleanup");
    };
    int const n = co_await finally_(body, cleanup);
    REQUIRE(n == 5);
    REQUIRE(log.text() == "body@1 cleanup@2");
    log.clear();
    auto const immediate = [&]() -> task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(6);
    };
    auto const p = co_await finally_(immediate(), cleanup());  // tasks will do as well
    REQUIRE(*p == 6);
    REQUIRE(log.text() == "cleanup@3");
}

GREEN_TEST("finally_ runs the cleanup after a failure", "[finally]") {
    recorder log;
    auto const body = [&]() -> task<> {
        co_await sleep_for(1ms);
        throw std::runtime_error("body");
    };
    auto const cleanup = [&]() -> task<> {
        log.stamp("cleanup");
        co_return;
    };
    std::string error = co_await error_of(finally_(body, cleanup));
    REQUIRE(error == "body");
    REQUIRE(log.text() == "cleanup@1");
    // What the callable throws before it is a coroutine is the body's failure, too.
    auto const no_coroutine = [&](bool fails) -> task<> {
        if (fails) throw std::runtime_error("no coroutine");
        return body();
    };
    log.clear();
    error = co_await error_of(finally_([&] { return no_coroutine(true); }, cleanup));
    REQUIRE(error == "no coroutine");
    REQUIRE(log.text() == "cleanup@1");
}

GREEN_TEST("an error of the cleanup is thrown, alone or with the body's", "[finally]") {
    auto const good = []() -> task<int> { co_return 1; };
    auto const bad = []() -> task<int> {
        co_await yield();
        throw std::runtime_error("body");
    };
    auto const cleanup = []() -> task<> {
        co_await yield();
        throw std::runtime_error("cleanup");
    };
    std::string error = co_await error_of(finally_(good, cleanup));
    REQUIRE(error == "cleanup");
    error = co_await error_of(finally_(bad, cleanup));
    REQUIRE(error == "2 tasks failed: (1) body (2) cleanup");
}

GREEN_TEST("finally_: cancelled before it starts, only the cleanup runs", "[finally]") {
    recorder log;
    auto const body = [&]() -> task<> {
        log.note("never");
        co_return;
    };
    auto const cleanup = [&]() -> task<> {
        co_await sleep_for(5ms);
        log.stamp("cleanup");
    };
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        co_await finally_(body, cleanup);
        log.note("never");
    });
    co_await h.join();
    REQUIRE(log.text() == "cleanup@5");
    REQUIRE(h.cancelled());
}

GREEN_TEST(
    "finally_: cancelled in the body, the cleanup runs shielded, then it unwinds", "[finally]"
) {
    recorder log;
    census frames;
    auto const body = [&]() -> task<> {
        tracker const t(frames);
        co_await sleep_for(1h);
    };
    auto const cleanup = [&]() -> task<> {
        REQUIRE(frames.live() == 0);  // the body is gone
        tracker const t(frames);
        co_await sleep_for(5ms);
        co_await with_group([&](task_group& g) -> task<> {
            g.spawn(sleep_for(1ms));
            co_return;
        });
        log.stamp("cleanup");
    };
    auto h = spawn([&]() -> task<> {
        co_await finally_(body, cleanup);
        log.note("never");
    });
    co_await sleep_for(1ms);
    h.cancel();
    co_await sleep_for(2ms);
    h.cancel("again, in the cleanup");
    co_await h.join();
    REQUIRE(log.text() == "cleanup@7");
    REQUIRE(h.cancelled());
    REQUIRE(frames.clean());
}

GREEN_TEST("finally_: completed and cancelled in one turn, the result wins", "[finally]") {
    recorder log;
    gate g;
    auto const body = [&]() -> task<int> {
        int const n = co_await g.wait();
        co_return n;
    };
    auto const cleanup = [&]() -> task<> {
        log.note("cleanup");
        co_return;
    };
    auto h = spawn([&]() -> task<> {
        int const n = co_await finally_(body, cleanup);
        log.note(std::to_string(n));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    g.open(4);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "cleanup 4");
    REQUIRE(h.cancelled());
}

GREEN_TEST("a cleanup has a limit", "[finally]") {
    census frames;
    auto const body = []() -> task<> { co_return; };
    auto const cleanup = [&]() -> task<> {
        tracker const t(frames);
        co_await sleep_for(1h);
    };
    std::string error = co_await error_of(finally_(body, cleanup, 20ms));
    REQUIRE(error == "finally_ cleanup: not done after 20 ms");
    REQUIRE(elapsed() == 20ms);
    error = co_await error_of(finally_(body, cleanup));
    REQUIRE(elapsed() == 5020ms);
    REQUIRE(frames.clean());
}

GREEN_TEST("cleanups nest", "[finally]") {
    recorder log;
    auto const cleanup = [&](const char* name) {
        return [&log, name]() -> task<> {
            co_await sleep_for(1ms);
            log.stamp(name);
        };
    };
    auto const innermost = [&]() -> task<> { co_await sleep_for(1h); };
    auto const inner = [&] { return finally_(innermost, cleanup("inner")); };
    auto const outer = [&] { return finally_(inner, cleanup("outer")); };
    std::string const error =
        co_await error_of(with_timeout(10ms, finally_(outer, cleanup("outermost"))));
    REQUIRE(error == "with_timeout: not done after 10 ms");
    REQUIRE(log.text() == "inner@11 outer@12 outermost@13");
}

TEST_CASE("finally_: the end of the run runs the cleanup", "[finally]") {
    recorder log;
    auto const body = [&]() -> task<> { co_await sleep_for(1h); };
    auto const cleanup = [&]() -> task<> {
        co_await sleep_for(5ms);
        log.stamp("cleanup");
    };
    auto const both = [&]() -> task<> { co_await finally_(body, cleanup, 0.5s); };
    run(virtual_clock(), [&]() -> task<> {
        spawn(both);
        co_await sleep_for(1ms);
    });
    REQUIRE(log.text() == "cleanup@6");
}

}  // namespace
