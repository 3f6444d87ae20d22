// Cancellation itself: rules 2, 3 and 4. What single awaitables do is in their own tests.

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace {

using namespace green;
using namespace green_test;

struct at_end {
    recorder& log;
    std::string name;
    ~at_end() { log.note(name); }
};

// conformance 152
GREEN_TEST("frames are destroyed innermost first, locals in reverse order", "[cancel]") {
    recorder log;
    auto const inner = [&]() -> task<> {
        at_end const a{log, "inner1"};
        at_end const b{log, "inner2"};
        co_await sleep_for(1h);
    };
    auto const middle = [&]() -> task<> {
        at_end const a{log, "middle"};
        co_await inner();
    };
    auto const outer = [&]() -> task<> {
        at_end const a{log, "outer"};
        co_await middle();
    };
    auto h = spawn(outer);
    co_await sleep_for(1ms);
    h.cancel();
    REQUIRE(log.text().empty());  // not inside cancel()
    co_await h.join();
    REQUIRE(log.text() == "inner2 inner1 middle outer");
}

// rule 4. conformance 156: a task cannot catch a cancel; finally_ and shield are for what must be done.
GREEN_TEST("a cancel is not an exception: no handler sees it", "[cancel]") {
    recorder log;
    auto const body = [&]() -> task<> {
        for (;;) {
            try {
                co_await sleep_for(1h);
            } catch (...) {
                log.note("caught");
            }
        }
    };
    auto h = spawn(body);
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text().empty());
    REQUIRE(h.cancelled());
}

// conformance 264
GREEN_TEST(
    "a cancel is level-triggered: it waits for the first suspension outside a shield", "[cancel]"
) {
    recorder log;
    gate g(gate::when_cancelled::refuses);
    auto h = spawn([&]() -> task<> {
        co_await g.wait();
        log.note("1");
        co_await shield(sleep_for(1ms));
        log.note("2");
        REQUIRE(this_task::cancel_requested());
        auto const no_suspension = []() -> task<int> { co_return 1; };
        co_await no_suspension();
        log.note("3");
        co_await shield(yield());
        log.note("4");
        co_await sleep_for(0ms);
        log.note("never");
    });
    co_await yield();
    h.cancel();
    co_await yield();
    g.open();
    co_await h.join();
    REQUIRE(log.text() == "1 2 3 4");
    REQUIRE(h.cancelled());
}

GREEN_TEST("a task may cancel itself and still end with a value", "[cancel]") {
    join_handle<int> self;
    self = spawn([&]() -> task<int> {
        self.cancel();
        co_return 5;  // no suspension came
    });
    int const n = co_await self;
    REQUIRE(n == 5);
    REQUIRE(self.successful());
}

GREEN_TEST("a task may fail after it was cancelled", "[cancel]") {
    gate g(gate::when_cancelled::refuses);
    auto h = spawn([&]() -> task<> {
        co_await g.wait();
        throw std::runtime_error("failed on the way");
    });
    co_await yield();
    h.cancel();
    g.open();
    co_await h.join();
    REQUIRE_FALSE(h.cancelled());
    REQUIRE_THROWS_WITH(h.result(), "failed on the way");
}

GREEN_TEST("destructors of a cancelled task may cancel, spawn and drop handles", "[cancel]") {
    recorder log;
    auto other = spawn([]() -> task<> { co_await sleep_for(1h); });
    auto const says = [&]() -> task<> {
        log.note("spawned");
        co_return;
    };
    struct busy_end {
        join_handle<void> other;
        const decltype(says)* body;
        join_handle<void>* self;
        ~busy_end() {
            other.cancel();
            self->cancel();
            spawn(*body);
        }
    };
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        busy_end const end{other, &says, &h};
        co_await sleep_for(1h);
    });
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    co_await other.join();
    co_await yield();
    REQUIRE(log.text() == "spawned");
    REQUIRE(elapsed() == 1ms);
}

task<> nest(int depth, census& frames) {
    tracker const t(frames);
    if (depth == 0) co_await sleep_for(1h);
    if (depth > 0) co_await nest(depth - 1, frames);
}

GREEN_TEST("a deep stack of frames is unwound without a deep stack", "[cancel]") {
    census frames;
    auto h = spawn(nest(100'000, frames));
    co_await sleep_for(1ms);
    REQUIRE(frames.live() == 100'001);
    h.cancel();
    co_await h.join();
    REQUIRE(frames.clean());
}

task<> nest_scopes(int depth, census& frames) {
    tracker const t(frames);
    if (depth == 0) co_await sleep_for(1h);
    if (depth > 0) co_await with_timeout(2h, nest_scopes(depth - 1, frames));
}

GREEN_TEST("a cancel goes down through many scopes, and ends come up again", "[cancel]") {
    census frames;
    auto h = spawn(nest_scopes(500, frames));
    co_await sleep_for(1ms);
    REQUIRE(frames.live() == 501);
    h.cancel();
    co_await h.join();
    REQUIRE(frames.clean());
    REQUIRE(elapsed() == 1ms);
}

// conformance 274
GREEN_TEST("a group's children are cancelled with it, not the other way round", "[cancel]") {
    recorder log;
    auto h = spawn([&]() -> task<> {
        co_await with_group([&](task_group& outer) -> task<> {
            auto const inner_group = [&]() -> task<> {
                co_await with_group([&](task_group& inner) -> task<> {
                    auto const child = [&]() -> task<> {
                        at_end const end{log, "child"};
                        co_await sleep_for(1h);
                    };
                    inner.spawn(child);
                    co_await sleep_for(1ms);
                    inner.cancel();
                });
                log.stamp("inner");
            };
            outer.spawn(inner_group);
            co_await sleep_for(2ms);
            outer.cancel();
            auto const late = [&]() -> task<> {
                log.note("never");
                co_return;
            };
            auto const born = outer.spawn(late);  // born cancelled
            co_await born.join();
        });
        log.stamp("outer");
    });
    co_await h;
    REQUIRE(log.text() == "child inner@1 outer@2");
}

// conformance 262
GREEN_TEST("a cancel that comes while the inner work completes is not swallowed", "[cancel]") {
    recorder log;
    gate g;
    auto h = spawn([&]() -> task<> {
        int const n = co_await with_timeout(1h, g.wait());
        log.note(std::to_string(n));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    g.open(6);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "6");
    REQUIRE(h.cancelled());
}

}  // namespace
