#include <green/loop/task_dump.hpp>

#include "support/green_test.hpp"

#include <green/core/scheduler.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/when_all.hpp>

#include <string>

// Rule 13. Conformance 309.

namespace {

using namespace green;
using namespace green_test;

std::string dump() { return detail::dump_tasks(detail::scheduler::current()->root()); }

task<> innermost() { co_await sleep_for(2500ms); }
task<> middle() { co_await innermost(); }

// conformance 309
GREEN_TEST("a dump shows tasks, names, states, waits and stacks with their lines", "[task_dump]") {
    auto const outermost = []() -> task<> { co_await middle(); };
    auto const sleeper = spawn({.name = "sleeper"}, outermost);
    auto const joins = [](join_handle<void> h) -> task<> { co_await h; };
    auto const joiner = spawn({.name = "joiner"}, joins, sleeper);
    auto const both = []() -> task<> { co_await when_all(sleep_for(1s), innermost()); };
    auto const parent = spawn({.name = "parent"}, both);
    auto const guarded = []() -> task<> { co_await shield(sleep_for(1s)); };
    auto shielded = spawn({.name = "shielded"}, guarded);
    co_await yield();
    co_await yield();
    shielded.cancel();
    auto const fresh = spawn({.name = "fresh"}, innermost());
    std::string const text = dump();
    INFO(text);
    auto const at = [&](const char* part) {
        auto const found = text.find(part);
        INFO(part);
        REQUIRE(found != std::string::npos);
        return found;
    };
    at("#1 'main' running\n");
    auto const task = at("'sleeper' waits for sleep, 2.5 s left\n");
    auto const in = text.find("innermost()", task);
    auto const mid = text.find("middle()", task);
    REQUIRE(in != std::string::npos);
    REQUIRE(in < mid);
    REQUIRE(mid < at("'joiner' waits for join of #2 'sleeper'\n"));
    auto const p = at("'parent' waits for when_all of 2 tasks\n");
    REQUIRE(text.find("\n    #", p) != std::string::npos);  // its children, further to the right
    at("'shielded' waits for sleep, 1 s left (cancelled, shielded)\n");
    at("'fresh' not started\n");
    at("spawned at ");
    at("task_dump_test.cpp:");
    co_return;
}

}  // namespace
