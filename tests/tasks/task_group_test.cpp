#include <green/tasks/task_group.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

task<> fails_after(std::string what, std::chrono::nanoseconds d) {
    co_await sleep_for(d);
    throw std::runtime_error(what);
}

/// The text of what `t` throws.
template <class T>
task<std::string> error_of(task<T> t) {
    std::string text;
    try {
        co_await std::move(t);
    } catch (const std::exception& e) {
        text = e.what();
    }
    co_return text;
}

// rule 5, conformance 162
GREEN_TEST("with_group returns when the body and all children have ended", "[task_group]") {
    recorder log;
    auto const child = [&](const char* name, std::chrono::nanoseconds d) -> task<> {
        co_await sleep_for(d);
        log.stamp(name);
    };
    int const n = co_await with_group([&](task_group& g) -> task<int> {
        g.spawn(child, "a", 5ms);
        g.spawn(child("b", 3ms));
        REQUIRE(g.size() == 2);
        co_await sleep_for(1ms);
        log.stamp("body");
        co_return 7;
    });
    REQUIRE(n == 7);
    REQUIRE(log.text() == "body@1 b@3 a@5");
}

GREEN_TEST("with_group: ready at once", "[task_group]") {
    int const n = co_await with_group([](task_group&) -> task<int> { co_return 1; });
    REQUIRE(n == 1);
    auto const p = co_await with_group([](task_group&) -> task<std::unique_ptr<int>> {
        co_return std::make_unique<int>(2);
    });
    REQUIRE(*p == 2);
    REQUIRE(elapsed() == 0ms);
}

// conformance 169
GREEN_TEST("the first failure cancels the others, which are waited for", "[task_group]") {
    recorder log;
    census frames;
    auto const slow_to_end = [&]() -> task<> {
        tracker const t(frames);
        co_await shield(sleep_for(5ms));
        log.stamp("shielded");
        co_await sleep_for(1h);
    };
    std::string const error = co_await error_of(with_group([&](task_group& g) -> task<> {
        tracker const t(frames);
        g.spawn(slow_to_end);
        g.spawn(fails_after("first", 1ms));
        g.spawn(fails_after("never", 2ms));
        co_await sleep_for(1h);
    }));
    REQUIRE(error == "first");
    REQUIRE(elapsed() == 5ms);
    REQUIRE(log.text() == "shielded@5");
    REQUIRE(frames.clean());
}

GREEN_TEST("a failing body cancels the children", "[task_group]") {
    census frames;
    auto const child = [&]() -> task<> {
        tracker const t(frames);
        co_await sleep_for(1h);
    };
    std::string const error = co_await error_of(with_group([&](task_group& g) -> task<int> {
        g.spawn(child);
        co_await sleep_for(1ms);
        throw std::runtime_error("body");
    }));
    REQUIRE(error == "body");
    REQUIRE(elapsed() == 1ms);
    REQUIRE(frames.clean());
}

// conformance 169
GREEN_TEST("several failures are all kept, in order", "[task_group]") {
    gate refuses(gate::when_cancelled::refuses);
    auto const fails_when_cancelled = [&](std::string what) -> task<> {
        co_await refuses.wait();
        throw std::runtime_error(what);
    };
    std::vector<std::string> texts;
    auto const opener = spawn([&]() -> task<> {
        co_await sleep_for(3ms);
        refuses.open();
    });
    try {
        co_await with_group([&](task_group& g) -> task<> {
            g.spawn(fails_when_cancelled, "second");
            g.spawn(fails_after("first", 1ms));
            co_await fails_when_cancelled("third");
        });
    } catch (const exception_group& e) {
        for (const auto& one : e.exceptions()) texts.push_back(detail::describe(one));
    }
    REQUIRE(texts.size() == 3);
    REQUIRE(texts[0] == "first");
    REQUIRE(elapsed() == 3ms);
}

GREEN_TEST("failures of one turn are all kept", "[task_group]") {
    std::size_t count = 0;
    try {
        co_await with_group([&](task_group& g) -> task<> {
            g.spawn(fails_after("one", 1ms));
            g.spawn(fails_after("two", 1ms));
            co_return;
        });
    } catch (const exception_group& e) {
        count = e.exceptions().size();
    }
    REQUIRE(count == 2);
}

// conformance 168
GREEN_TEST("the handle of a failed child has its failure too", "[task_group]") {
    join_handle<void> bad;
    std::string const error = co_await error_of(with_group([&](task_group& g) -> task<> {
        bad = g.spawn(fails_after("mine", 1ms));
        co_await sleep_for(1h);
    }));
    REQUIRE(error == "mine");
    REQUIRE_THROWS_WITH(bad.result(), "mine");
}

// conformance 170
GREEN_TEST("in a group that has stopped a child never begins", "[task_group]") {
    census frames;
    recorder log;
    auto const late = [&](tracker) -> task<> {
        log.note("began");
        co_return;
    };
    co_await with_group([&](task_group& g) -> task<> {
        g.cancel("enough");
        auto const h = g.spawn(late, tracker(frames));
        auto const h2 = g.spawn(late(tracker(frames)));
        REQUIRE(g.size() == 2);
        co_await shield(h.join());
        co_await shield(h2.join());
        REQUIRE(h.cancelled());
        REQUIRE(h2.cancelled());
        log.note("body");
    });
    REQUIRE(log.text() == "body");
    REQUIRE(frames.clean());
}

GREEN_TEST("cancel of a void group is no error; a missing value is", "[task_group]") {
    co_await with_group([&](task_group& g) -> task<> {
        g.spawn(sleep_for(1h));
        g.cancel("done here");
        co_await sleep_for(1h);
    });
    std::string error = co_await error_of(with_group([&](task_group& g) -> task<int> {
        g.cancel("done here");
        co_await sleep_for(1h);
        co_return 1;
    }));
    REQUIRE(error.find("with_group") != std::string::npos);
    REQUIRE(error.find("done here") != std::string::npos);
    int const n = co_await with_group([&](task_group& g) -> task<int> {
        g.spawn(sleep_for(1h));
        g.cancel();
        co_return 2;  // it needs no suspension
    });
    REQUIRE(n == 2);
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("cancelling one child is no failure of the group", "[task_group]") {
    recorder log;
    co_await with_group([&](task_group& g) -> task<> {
        auto child = g.spawn(sleep_for(1h));
        g.spawn(sleep_for(2ms));
        co_await sleep_for(1ms);
        child.cancel();
        co_await child.join();
        log.stamp("body");
    });
    log.stamp("group");
    REQUIRE(log.text() == "body@1 group@2");
}

GREEN_TEST("with_group: cancelled before it starts, the body never runs", "[task_group]") {
    recorder log;
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        h.cancel();
        co_await with_group([&](task_group&) -> task<> {
            log.note("never");
            co_return;
        });
        log.note("never");
    });
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text().empty());
}

GREEN_TEST("with_group: cancelled while it waits, unwinds when all have ended", "[task_group]") {
    census frames;
    recorder log;
    auto const stubborn = [&]() -> task<> {
        tracker const t(frames);
        co_await shield(sleep_for(5ms));
        co_await yield();
        log.note("never");
    };
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await with_group([&](task_group& g) -> task<> {
            tracker const t2(frames);
            g.spawn(stubborn);
            g.spawn(sleep_for(1h));
            co_await sleep_for(1h);
        });
        log.note("never");
    });
    co_await sleep_for(1ms);
    h.cancel("from outside");
    co_await h.join();
    REQUIRE(elapsed() == 5ms);
    REQUIRE(h.cancelled());
    REQUIRE_THROWS_WITH(h.result(), Catch::Matchers::Contains("from outside"));
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
}

GREEN_TEST("with_group: completed and cancelled in one turn, the result wins", "[task_group]") {
    recorder log;
    gate g;
    auto h = spawn([&]() -> task<> {
        int const n = co_await with_group([&](task_group&) -> task<int> {
            int const value = co_await g.wait();
            co_return value;
        });
        log.note(std::to_string(n));
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    g.open(3);
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "3");
    REQUIRE(h.cancelled());
}

TEST_CASE("with_group: destroyed by the end of the run", "[task_group]") {
    census frames;
    auto const child = [&]() -> task<> {
        tracker const t(frames);
        co_await sleep_for(1h);
    };
    auto const grouped = [&]() -> task<> {
        tracker const t(frames);
        co_await with_group([&](task_group& g) -> task<> {
            tracker const t2(frames);
            for (int i = 0; i < 3; ++i) g.spawn(child);
            co_await g.join();
        });
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(grouped);
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 5);
    });
    REQUIRE(frames.clean());
}

GREEN_TEST("children may spawn in the group, also after the body has ended", "[task_group]") {
    recorder log;
    co_await with_group([&](task_group& g) -> task<> {
        auto const grandchild = [&]() -> task<> {
            co_await sleep_for(5ms);
            log.stamp("grandchild");
        };
        auto const child = [&log, &g, grandchild]() -> task<> {
            co_await sleep_for(1ms);
            g.spawn(grandchild);
            log.stamp("child");
        };
        g.spawn(child);
        co_return;
    });
    REQUIRE(log.text() == "child@1 grandchild@6");
}

GREEN_TEST("join waits until no child is left; the group goes on", "[task_group]") {
    recorder log;
    co_await with_group([&](task_group& g) -> task<> {
        co_await g.join();  // nothing to wait for
        g.spawn(sleep_for(3ms));
        g.spawn(sleep_for(5ms));
        co_await g.join();
        log.stamp("first");
        REQUIRE(g.size() == 0);
        g.spawn(sleep_for(1ms));
        co_await with_timeout(1s, g.join());
        log.stamp("second");
        bool const in_time = co_await move_on_after(0ms, g.join());
        REQUIRE(in_time);
    });
    REQUIRE(log.text() == "first@5 second@6");
}

GREEN_TEST("join: cancelled before it starts and while it waits", "[task_group]") {
    recorder log;
    co_await with_group([&](task_group& g) -> task<> {
        g.spawn(sleep_for(5ms));
        bool in_time = co_await move_on_after(2ms, g.join());
        REQUIRE_FALSE(in_time);
        log.stamp("waited");
        join_handle<void> early;
        early = spawn([&]() -> task<> {
            early.cancel();
            co_await g.join();
            log.note("never");
        });
        co_await early.join();
        co_await g.join();
        log.stamp("joined");
    });
    REQUIRE(log.text() == "waited@2 joined@5");
}

GREEN_TEST("a child that joins its group is an error", "[task_group]") {
    std::string const error = co_await error_of(with_group([&](task_group& g) -> task<> {
        auto const child = [&]() -> task<> { co_await g.join(); };
        g.spawn(child);
        co_await g.join();
    }));
    REQUIRE(error.find("wait for itself") != std::string::npos);
}

GREEN_TEST("what the callable of a group throws itself is thrown", "[task_group]") {
    census frames;
    auto const child = [](tracker) -> task<> { co_return; };
    std::string const error = co_await error_of(with_group([&](task_group& g) -> task<> {
        g.spawn(child, tracker(frames));
        if (frames.live() > 0) throw std::runtime_error("no coroutine");
        return child(tracker(frames));
    }));
    REQUIRE(error == "no coroutine");
    co_await yield();
    REQUIRE(frames.clean());
}

}  // namespace
