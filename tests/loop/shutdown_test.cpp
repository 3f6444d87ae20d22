#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/finally.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

// The end of a run. Conformance 285, 313.

namespace {

using namespace green;
using namespace green_test;

run_options grace(std::chrono::nanoseconds d) {
    run_options options = virtual_clock();
    options.shutdown_grace = d;
    return options;
}

TEST_CASE("all kinds of waits are unwound at the end of the run", "[shutdown]") {
    census frames;
    gate g;
    auto const sleeps = [&]() -> task<> {
        tracker const t(frames);
        co_await sleep_for(1h);
    };
    auto const nested = [&]() -> task<> {
        tracker const t(frames);
        co_await when_all(sleeps(), with_timeout(1h, sleeps()), move_on_after(1h, sleeps()));
    };
    auto const grouped = [&]() -> task<> {
        tracker const t(frames);
        co_await with_group([&](task_group& group) -> task<> {
            group.spawn(sleeps);
            group.spawn(nested);
            co_await group.join();
        });
    };
    auto const foreign = [&]() -> task<> {
        tracker const t(frames);
        co_await g.wait();
    };
    auto const joins = [&frames](join_handle<void> other) -> task<> {
        tracker const t(frames);
        co_await other;
    };
    run(virtual_clock(), [&]() -> task<> {
        auto const h = spawn(sleeps);
        spawn(joins, h);
        spawn(nested);
        spawn(grouped);
        spawn(foreign);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 13);
    });
    REQUIRE(frames.clean());
    REQUIRE(g.broken() == 0);
}

TEST_CASE("cleanups run at the end of the run", "[shutdown]") {
    recorder log;
    auto const body = [&]() -> task<> { co_await sleep_for(1h); };
    auto const cleanup = [&]() -> task<> {
        log.stamp("begun");
        co_await sleep_for(20ms);
        co_await with_timeout(1s, sleep_for(20ms));
        log.stamp("done");
    };
    auto const both = [&]() -> task<> { co_await finally_(body, cleanup); };
    run(virtual_clock(), [&]() -> task<> {
        spawn(both);
        co_await sleep_for(1ms);
    });
    REQUIRE(log.text() == "begun@1 done@41");
}

TEST_CASE("a shielded task may use combinators at the end of the run", "[shutdown]") {
    recorder log;
    auto const last_words = [&]() -> task<> {
        co_await sleep_for(5ms);
        co_await with_group([&](task_group& g) -> task<> {
            auto const child = [&]() -> task<> {
                co_await sleep_for(1ms);
                log.stamp("child");
            };
            g.spawn(child);
            co_return;
        });
        log.stamp("last");
    };
    auto const body = [&]() -> task<> {
        co_await shield(last_words());
        co_await yield();
        log.note("never");
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(body);
        co_await sleep_for(1ms);
    });
    REQUIRE(log.text() == "child@6 last@6");
}

TEST_CASE("a task spawned while the run ends never begins", "[shutdown]") {
    census frames;
    recorder log;
    struct spawns_at_the_end {
        std::function<void()> f;
        ~spawns_at_the_end() { f(); }
    };
    auto const late = [&](tracker) -> task<> {
        log.note("began");
        co_return;
    };
    auto const body = [&]() -> task<> {
        spawns_at_the_end const local{[&] { spawn(late, tracker(frames)); }};
        co_await sleep_for(1h);
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(body);
        co_await sleep_for(1ms);
    });
    REQUIRE(frames.born() > 0);
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
}

TEST_CASE("the grace period is as long as it says, and then shields do not hold", "[shutdown]") {
    census frames;
    recorder log;
    struct at_end {
        recorder& log;
        ~at_end() { log.stamp("unwound"); }
    };
    auto const refuses = [&]() -> task<> {
        tracker const t(frames);
        at_end const end{log};
        for (;;) co_await sleep_for(10ms);
    };
    auto const nested = [&]() -> task<> {
        tracker const t(frames);
        co_await with_timeout(1h, shield(refuses()));
    };
    auto const body = [&]() -> task<> { co_await shield(refuses()); };
    run(grace(50ms), [&]() -> task<> {
        spawn({.name = "stubborn"}, body);
        spawn(nested);
        co_await sleep_for(1ms);
    });
    REQUIRE(log.text() == "unwound@51 unwound@51");
    REQUIRE(frames.clean());
}

TEST_CASE("tasks that yield for ever under a shield are stopped too", "[shutdown]") {
    census frames;
    run_options options;
    options.shutdown_grace =
        20ms;  // real: a task that is always ready keeps virtual time from moving
    auto const yields = [&]() -> task<> {
        tracker const t(frames);
        for (;;) co_await yield();
    };
    auto const body = [&]() -> task<> { co_await shield(yields()); };
    run(options, [&]() -> task<> {
        spawn(body);
        co_await yield();
    });
    REQUIRE(frames.clean());
}

TEST_CASE("no grace at all still unwinds what can be unwound", "[shutdown]") {
    census frames;
    auto const sleeps = [&]() -> task<> {
        tracker const t(frames);
        co_await sleep_for(1h);
    };
    auto const shielded_one = [&]() -> task<> { co_await shield(sleeps()); };
    run(grace(0ms), [&]() -> task<> {
        spawn(sleeps);
        spawn(shielded_one);
        co_await sleep_for(1ms);
    });
    REQUIRE(frames.clean());
}

TEST_CASE("on the real clock the end of the run does not wait out its grace", "[shutdown]") {
    auto const before = std::chrono::steady_clock::now();
    run([]() -> task<> {
        auto const sleeps = []() -> task<> { co_await sleep_for(1h); };
        for (int i = 0; i < 100; ++i) spawn(sleeps);
        co_await yield();
        co_await yield();
    });
    REQUIRE(std::chrono::steady_clock::now() - before < 3s);
}

// So what a task refers to in the frame of an older one is still there while it is unwound.
TEST_CASE("the order of the end: the youngest task is unwound first", "[shutdown]") {
    recorder log;
    struct at_end {
        recorder& log;
        std::string name;
        ~at_end() { log.note(name); }
    };
    auto const body = [&](std::string name) -> task<> {
        at_end const outer{log, name + "outer"};
        auto const inner = [&]() -> task<> {
            at_end const end{log, name + "inner"};
            co_await sleep_for(1h);
        };
        co_await inner();
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(body, "1");
        spawn(body, "2");
        co_await sleep_for(1ms);
    });
    REQUIRE(log.text() == "2inner 2outer 1inner 1outer");
}

// Tasks refer to what main has in its frame: a queue, a lock that they hold.
TEST_CASE("a cancelled main is unwound when all others have ended", "[shutdown]") {
    recorder log;
    struct at_end {
        recorder& log;
        const char* name;
        ~at_end() { log.stamp(name); }
    };
    auto const slow_end = [](at_end& mine) -> task<> {
        co_await finally_(
            []() -> task<> { co_await sleep_for(1h); }, []() -> task<> { co_await sleep_for(2ms); }
        );
        mine.log.note("never");
    };
    REQUIRE_THROWS_AS(
        run(virtual_clock(),
            [&]() -> task<> {
                at_end main{log, "main"};
                spawn([&]() -> task<> {
                    at_end const end{log, "quick"};
                    co_await sleep_for(1h);
                });
                spawn(slow_end, std::ref(main));
                co_await sleep_for(1ms);
                auto const own = detail::scheduler::current()->running();
                own->request_cancel("stop", std::source_location::current());
                co_await sleep_for(1h);
            }),
        cancelled_error
    );
    REQUIRE(log.text() == "quick@1 main@3");
}

}  // namespace
