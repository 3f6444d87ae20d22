#include <green/tasks/task_local.hpp>

#include "support/green_test.hpp"

#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/finally.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/stream.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/task_pool.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>
#include <green/tasks/when_any.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

const task_local<std::string> user("nobody");
const task_local<int> depth;

task<std::string> user_here() { co_return user.get(); }

GREEN_TEST("a task_local has its initial value until a task sets it", "[task_local]") {
    REQUIRE(*user == "nobody");
    REQUIRE(depth.get() == 0);
    user.set("anna");
    REQUIRE(user.get() == "anna");
    REQUIRE(user->size() == 4);
    user.set("berta");
    REQUIRE(*user == "berta");
    REQUIRE(depth.get() == 0);
    co_return;
}

// conformance 212
GREEN_TEST("a task_local is a task's own; children begin with their spawner's", "[task_local]") {
    user.set("parent");
    auto const child = [](std::string own) -> task<std::string> {
        std::string seen = user.get();
        user.set(own);
        co_await yield();
        seen += " " + user.get();
        co_return seen;
    };
    auto a = spawn(child, "a");
    auto b = spawn(child("b"));
    user.set("changed after the spawn");
    std::string const from_a = co_await a;
    std::string const from_b = co_await b;
    REQUIRE(from_a == "parent a");
    REQUIRE(from_b == "parent b");
    REQUIRE(*user == "changed after the spawn");
}

GREEN_TEST("every way to make a task inherits", "[task_local]") {
    user.set("me");
    auto const group = co_await with_group([](task_group& g) -> task<std::string> {
        auto const inner = [](task_group& all) -> task<std::string> {
            auto h = all.spawn(user_here);
            user.set("body");
            auto later = all.spawn(user_here());
            std::string text = co_await h;
            text += " " + co_await later;
            co_return text;
        };
        co_return co_await inner(g);
    });
    REQUIRE(group == "me body");
    auto const all = co_await when_all(user_here(), user_here());
    REQUIRE(std::get<1>(all) == "me");
    auto const any = co_await when_any(user_here(), sleep_for(1h));
    REQUIRE(std::get<0>(any) == "me");
    auto const in_time = co_await with_timeout(1s, user_here());
    REQUIRE(in_time == "me");
    std::string cleanup;
    co_await finally_([] { return yield(); }, [&]() -> task<> { cleanup = co_await user_here(); });
    REQUIRE(cleanup == "me");
    task_pool pool(2);
    auto const h = co_await pool.spawn(user_here);
    auto const pooled = co_await h;
    REQUIRE(pooled == "me");
    auto const item = [](int) -> task<std::string> { return user_here(); };
    std::vector<int> const one(1, 1);
    auto const mapped = co_await pool.map(item, one);
    REQUIRE(mapped[0] == "me");
    auto const streamed = co_await pool.imap(item, one).collect();
    REQUIRE(streamed[0] == "me");
}

GREEN_TEST("a body given to a combinator is a task of its own", "[task_local]") {
    auto const sets = []() -> task<> {
        user.set("inner");
        co_return;
    };
    co_await with_timeout(1s, sets());
    REQUIRE(*user == "nobody");
    co_await sets();  // a part of this task
    REQUIRE(*user == "inner");
}

GREEN_TEST("a generator has the values of the task that awaits it", "[task_local]") {
    auto const who = []() -> stream<std::string> {
        for (;;) co_yield user.get();
    };
    stream<std::string> s = who();
    user.set("first");
    auto const a = co_await s.next();
    auto reader = [](stream<std::string>& from) -> task<std::string> {
        user.set("second");
        auto const item = co_await from.next();
        co_return item.value_or("");
    };
    auto const b = co_await spawn(reader(s));
    REQUIRE(a == "first");
    REQUIRE(b == "second");
}

GREEN_TEST("with() brings the previous value back", "[task_local]") {
    user.set("outer");
    {
        auto const restore = user.with("inner");
        REQUIRE(*user == "inner");
        co_await yield();
        {
            auto const again = depth.with(1);
            REQUIRE(*depth == 1);
        }
        REQUIRE(*depth == 0);
        REQUIRE(*user == "inner");
    }
    REQUIRE(*user == "outer");

    // Also when the task is unwound, in the task where it was set, wherever it is destroyed.
    std::vector<std::string> seen;
    struct looks {
        std::vector<std::string>& seen;
        ~looks() { seen.push_back(*user); }
    };
    auto h = spawn([&]() -> task<> {
        looks const outside{seen};
        auto const restore = user.with("unwound");
        looks const inside{seen};
        co_await sleep_for(1h);
    });
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(seen == std::vector<std::string>{"unwound", "outer"});

    auto const generator = []() -> stream<int> {
        auto const restore = user.with("generator");
        co_yield 1;
    };
    std::optional<stream<int>> s = generator();
    co_await s->next();
    REQUIRE(*user == "generator");
    auto const destroys = [&]() -> task<std::string> {
        s.reset();
        co_return *user;
    };
    std::string const elsewhere = co_await spawn(destroys);
    REQUIRE(elsewhere == "generator");
    REQUIRE(*user == "outer");
}

// conformance 212
GREEN_TEST("a value is freed when its task ends, even if the handle lives", "[task_local]") {
    census values;
    task_local<std::optional<tracker>> local{std::optional<tracker>()};
    auto const sets = [&]() -> task<> {
        local.set(tracker(values));
        co_await sleep_for(1ms);
        REQUIRE(values.live() == 1);
        local.set(tracker(values));
        REQUIRE(values.live() == 1);
    };
    auto const done = spawn(sets);
    co_await done;
    REQUIRE(values.clean());
    auto cancelled = spawn([&]() -> task<> {
        local.set(tracker(values));
        co_await sleep_for(1h);
    });
    co_await yield();
    REQUIRE(values.live() == 1);
    cancelled.cancel();
    co_await cancelled.join();
    REQUIRE(values.clean());

    // One that was inherited lives as long as the last who has it.
    std::optional<join_handle<>> child;
    co_await spawn([&]() -> task<> {
        local.set(tracker(values));
        child = spawn([]() -> task<> { co_await sleep_for(5ms); });
        co_return;
    });
    REQUIRE(values.live() == 1);
    co_await *child;
    REQUIRE(values.clean());
}

GREEN_TEST("a task_local may die before the tasks that have a value", "[task_local]") {
    auto h = spawn([]() -> task<int> {
        {
            task_local<std::string> const first("initial");
            first.set("old");
        }
        task_local<std::string> const second("initial");
        co_await yield();
        co_return second.get() == "initial" ? 1 : 0;
    });
    int const fresh = co_await h;
    REQUIRE(fresh == 1);
}

GREEN_TEST("the destructor of a value may look at its task_local", "[task_local]") {
    static std::string seen;
    struct value {
        const task_local<std::shared_ptr<value>>* local = nullptr;
        ~value() {
            if (local) seen = local->get() ? "a value" : "the initial one";
        }
    };
    static const task_local<std::shared_ptr<value>> local;
    auto const sets = []() -> task<> {
        auto v = std::make_shared<value>();
        v->local = &local;
        local.set(std::move(v));
        co_return;
    };
    co_await spawn(sets);
    REQUIRE(seen == "the initial one");
}

TEST_CASE("a task_local where no task runs", "[task_local]") {
    REQUIRE(*user == "nobody");
    REQUIRE_THROWS_AS(user.set("x"), std::logic_error);
    run(virtual_clock(), []() -> task<> {
        user.set("main");
        std::string posted;
        bool refused = false;
        this_loop().post([&] {
            posted = user.get();
            try {
                user.set("x");
            } catch (const std::logic_error&) {
                refused = true;
            }
        });
        std::string other;
        std::thread([&] { other = user.get(); }).join();
        co_await sleep_for(1ms);
        REQUIRE(posted == "nobody");
        REQUIRE(refused);
        REQUIRE(other == "nobody");
        REQUIRE(*user == "main");
    });
    REQUIRE(*user == "nobody");
}

GREEN_TEST("many values, set in many tasks", "[task_local]") {
    std::vector<std::unique_ptr<task_local<int>>> locals;
    for (int i = 0; i < 20; ++i) locals.push_back(std::make_unique<task_local<int>>(i));
    for (int i = 0; i < 20; i += 2) locals[static_cast<std::size_t>(i)]->set(100 + i);
    auto const sum = [&](int own) -> task<int> {
        locals[1]->set(own);
        co_await yield();
        int total = 0;
        for (auto const& l : locals) total += l->get();
        co_return total;
    };
    std::vector<task<int>> sums;
    for (int i = 0; i < 50; ++i) sums.push_back(sum(i));
    auto const totals = co_await when_all(sums);
    for (int i = 0; i < 50; ++i) {
        REQUIRE(totals[static_cast<std::size_t>(i)] == 190 + 1000 - 1 + i);
    }
}

}  // namespace
