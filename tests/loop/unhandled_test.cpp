#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>

#include <stdexcept>
#include <string>
#include <vector>

// Rule 7: an unjoined failure is never silent. Conformance 164, 292.

namespace {

using namespace green;
using namespace green_test;

task<> fails(std::string what) {
    co_await yield();
    throw std::runtime_error(what);
}
task<> fails_through(std::string what) { co_await fails(what); }

struct outcome {
    std::vector<std::string> reports;
    std::string thrown;
};

template <class F>
outcome run_reporting(F body) {
    outcome o;
    auto const main = [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure& f) { o.reports.push_back(f.report); }
        );
        co_await body();
    };
    try {
        run(virtual_clock(), main);
    } catch (const std::exception& e) {
        o.thrown = e.what();
    }
    return o;
}

TEST_CASE("a failure without a handle is reported, with all that is known", "[unhandled]") {
    auto const o = run_reporting([]() -> task<> {
        spawn({.name = "worker"}, fails_through("lost and found"));
        co_await sleep_for(1ms);
    });
    REQUIRE(o.reports.size() == 1);
    const std::string& report = o.reports.front();
    INFO(report);
    REQUIRE(report.find("#2 'worker'") != std::string::npos);
    REQUIRE(report.find("lost and found") != std::string::npos);
    REQUIRE(report.find("spawned at") != std::string::npos);
    REQUIRE(report.find("unhandled_test.cpp") != std::string::npos);
    auto const inner = report.find("fails(");
    auto const outer = report.find("fails_through(");
    REQUIRE(inner != std::string::npos);
    REQUIRE(outer != std::string::npos);
    REQUIRE(inner < outer);  // the await chain, innermost first
    REQUIRE(o.thrown.empty());
}

// conformance 164
TEST_CASE("a failure is reported once, when the last handle goes", "[unhandled]") {
    std::size_t while_held = 99;
    auto const o = run_reporting([&]() -> task<> {
        auto h = spawn(fails("held"));
        auto copy = h;
        co_await sleep_for(1ms);
        h = {};
        while_held = 0;
        co_await sleep_for(1ms);
        copy = {};
    });
    REQUIRE(o.reports.size() == 1);
    REQUIRE(while_held == 0);
}

TEST_CASE("a failure that somebody looks at is handled", "[unhandled]") {
    auto const o = run_reporting([]() -> task<> {
        auto a = spawn(fails("awaited"));
        try {
            co_await a;
        } catch (const std::runtime_error&) {}
        auto b = spawn(fails("joined"));
        co_await b.join();
        std::vector<join_handle<void>> c;
        c.push_back(spawn(fails("joined by joinall")));
        co_await joinall(c);
        auto d = spawn(fails("asked for"));
        auto e = spawn(fails("result"));
        co_await sleep_for(1ms);
        REQUIRE(d.exception() != nullptr);
        REQUIRE_THROWS_WITH(e.result(), "result");
        try {
            co_await with_group([](task_group& g) -> task<> {
                g.spawn(fails("of a group"));
                co_return;
            });
        } catch (const std::runtime_error&) {}
    });
    REQUIRE(o.reports.empty());
}

TEST_CASE("done, successful and value do not count as looking", "[unhandled]") {
    auto const o = run_reporting([]() -> task<> {
        auto a = spawn(fails("unseen"));
        co_await sleep_for(1ms);
        REQUIRE(a.done());
        REQUIRE_FALSE(a.successful());
        REQUIRE_FALSE(a.value());
    });
    REQUIRE(o.reports.size() == 1);
}

TEST_CASE("a joinall that timed out has looked only at what ended", "[unhandled]") {
    auto const o = run_reporting([]() -> task<> {
        std::vector<join_handle<void>> handles;
        handles.push_back(spawn([]() -> task<> {
            co_await sleep_for(5ms);
            throw std::runtime_error("late");
        }));
        co_await joinall(handles, 1ms);
        handles.clear();
        co_await sleep_for(10ms);
    });
    REQUIRE(o.reports.size() == 1);
}

// conformance 153
TEST_CASE("a cancelled task is no failure", "[unhandled]") {
    auto const o = run_reporting([]() -> task<> {
        auto h = spawn([]() -> task<> { co_await sleep_for(forever); });
        co_await yield();
        h.cancel();
        co_await sleep_for(1ms);
    });
    REQUIRE(o.reports.empty());
    REQUIRE(o.thrown.empty());
}

// conformance 285
TEST_CASE("failures at the end of the run are reported too", "[unhandled]") {
    struct fails_in_cleanup {
        bool* flag;
        ~fails_in_cleanup() { *flag = true; }
    };
    bool unwound = false;
    auto const o = run_reporting([&]() -> task<> {
        spawn([&]() -> task<> {
            fails_in_cleanup const local{&unwound};
            try {
                co_await sleep_for(1h);
            } catch (...) {
                throw std::logic_error("a cancel is not an exception");
            }
        });
        spawn(fails("in the last turn"));
        co_await yield();
    });
    REQUIRE(unwound);
    REQUIRE(o.reports.size() == 1);
}

TEST_CASE(
    "without a handler run throws the first failure when main has ended well", "[unhandled]"
) {
    bool went_on = false;
    auto const body = [&]() -> task<> {
        spawn(fails("first of two"));
        co_await sleep_for(1ms);
        spawn(fails("second of two"));
        co_await sleep_for(1ms);
        went_on = true;  // the loop continues
    };
    REQUIRE_THROWS_WITH(run(virtual_clock(), body), "first of two");
    REQUIRE(went_on);
    auto const failing_main = [&]() -> task<> {
        spawn(fails("of a task"));
        co_await sleep_for(1ms);
        throw std::runtime_error("of main");
    };
    REQUIRE_THROWS_WITH(run(virtual_clock(), failing_main), "of main");
    REQUIRE(run([]() -> task<int> { co_return 1; }) == 1);  // nothing is left of it
}

// conformance 292
TEST_CASE("a broken handler brings the default back, and the loop survives", "[unhandled]") {
    int calls = 0;
    bool went_on = false;
    auto const body = [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure&) {
            ++calls;
            throw std::runtime_error("the handler itself");
        });
        spawn(fails("one"));
        co_await sleep_for(1ms);
        spawn(fails("two"));
        co_await sleep_for(1ms);
        went_on = true;
    };
    REQUIRE_THROWS_WITH(run(virtual_clock(), body), "one");
    REQUIRE(calls == 1);
    REQUIRE(went_on);
}

TEST_CASE("a handler may replace itself", "[unhandled]") {
    std::string log;
    auto const body = [&]() -> task<> {
        std::string const first = "a first handler with a long name ";
        this_loop().on_unhandled([&log, first](const unhandled_failure&) {
            this_loop().on_unhandled([&log](const unhandled_failure&) { log += "second"; });
            log += first;
        });
        spawn(fails("one"));
        co_await sleep_for(1ms);
        spawn(fails("two"));
        co_await sleep_for(1ms);
    };
    run(virtual_clock(), body);
    REQUIRE(log == "a first handler with a long name second");
}

TEST_CASE("a handler may spawn", "[unhandled]") {
    int repaired = 0;
    auto const body = [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure&) {
            spawn([&]() -> task<> {
                ++repaired;
                co_return;
            });
        });
        spawn(fails("broken"));
        co_await sleep_for(1ms);
    };
    run(virtual_clock(), body);
    REQUIRE(repaired == 1);
}

// conformance 160
GREEN_TEST("a failing done callback is unhandled, the others run", "[unhandled]") {
    recorder log;
    expect_unhandled("from a callback");
    auto const h = spawn([]() -> task<> { co_return; });
    h.add_done_callback([&] { log.note("one"); });
    h.add_done_callback([] { throw std::runtime_error("from a callback"); });
    h.add_done_callback([&] { log.note("three"); });
    co_await h;
    REQUIRE(log.text() == "one three");
}

}  // namespace
