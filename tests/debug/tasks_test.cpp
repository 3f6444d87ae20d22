#include <green/debug/tasks.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"
#include "support/subprocess.hpp"

#include <green/core/errors.hpp>
#include <green/core/json.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

// Conformance 309.

namespace {

using namespace green;
using namespace green_test;

task<> innermost() { co_await sleep_for(2500ms); }
task<> middle() { co_await innermost(); }
task<> outermost() { co_await middle(); }

const task_info& find(const std::vector<task_info>& all, std::string_view name) {
    auto const found = std::find_if(all.begin(), all.end(), [&](const auto& t) {
        return t.name == name;
    });
    INFO(name);
    REQUIRE(found != all.end());
    return *found;
}

bool ends_with(const char* text, std::string_view end) {
    std::string_view const t = text;
    return t.size() >= end.size() && t.substr(t.size() - end.size()) == end;
}

GREEN_TEST("all_tasks: the calling task sees itself, and where it is", "[debug]") {
    auto const me = all_tasks();
    REQUIRE(me.size() == 1);
    REQUIRE(me[0].name == "main");
    REQUIRE(me[0].id == task_id{1});
    REQUIRE(me[0].parent == task_id::none);
    REQUIRE(me[0].state == task_state::running);
    REQUIRE(me[0].waits_for.empty());
    REQUIRE(me[0].stack.size() == 2);  // this body, and the wrapper that GREEN_TEST puts around it
    REQUIRE(ends_with(me[0].stack[0].file_name(), "tasks_test.cpp"));
    co_return;
}

// conformance 309
GREEN_TEST("all_tasks: names, parents, ages, stacks, waits", "[debug]") {
    auto const before = std::source_location::current().line();
    auto const sleeper = spawn({.name = "sleeper"}, outermost);
    co_await sleep_for(1s);
    auto const joins = [](join_handle<void> h) -> task<> { co_await h; };
    auto const joiner = spawn({.name = "joiner"}, joins, sleeper);
    auto const fresh_parent = [](task_group& g) -> task<> {
        g.spawn({.name = "child"}, innermost());
        co_return;
    };
    auto const grouped = [&]() -> task<> { co_await with_group(fresh_parent); };
    spawn({.name = "parent"}, grouped);
    co_await yield();
    co_await yield();
    co_await sleep_for(500ms);
    spawn({.name = "fresh"}, innermost());
    auto const all = all_tasks();

    auto const& s = find(all, "sleeper");
    REQUIRE(s.state == task_state::suspended);
    REQUIRE(s.waits_for == "sleep, 1 s left");
    REQUIRE(s.age == 1500ms);
    REQUIRE(s.spawned_at.line() == before + 1);
    REQUIRE(s.stack.size() == 3);
    REQUIRE(std::string(s.stack[0].function_name()).find("innermost") != std::string::npos);
    REQUIRE(std::string(s.stack[2].function_name()).find("outermost") != std::string::npos);

    auto const& j = find(all, "joiner");
    REQUIRE(j.waits_for == "join of " + std::string("#2 'sleeper'"));
    REQUIRE(j.blocked_by == s.id);
    REQUIRE(j.age == 500ms);

    auto const& p = find(all, "parent");
    auto const& c = find(all, "child");
    REQUIRE(c.parent == p.id);
    REQUIRE(&c > &p);

    auto const& f = find(all, "fresh");
    REQUIRE(f.state == task_state::created);
    REQUIRE(f.stack.empty());
    REQUIRE(f.age == 0s);
}

GREEN_TEST("all_tasks: a cancel shows its reason and place", "[debug]") {
    auto const guarded = []() -> task<> { co_await shield(sleep_for(1s)); };
    auto h = spawn({.name = "guarded"}, guarded);
    co_await yield();
    co_await yield();
    h.cancel("enough");
    auto const all = all_tasks();
    auto const& g = find(all, "guarded");
    REQUIRE(g.cancel_requested);
    REQUIRE(g.shielded);
    REQUIRE(g.cancel_reason == "enough");
    REQUIRE(ends_with(g.cancelled_at.file_name(), "tasks_test.cpp"));
    std::string const text = dump_tasks();
    INFO(text);
    REQUIRE(text.find("(cancelled, shielded)\n") != std::string::npos);
    REQUIRE(text.find("cancelled (enough) at ") != std::string::npos);
}

task<std::string> dump_inside() { co_return dump_tasks(); }
task<std::string> after_a_child() {
    co_await yield();
    co_await innermost();
    co_return dump_tasks();
}

GREEN_TEST("dump_tasks: the stack of a running task is that of now", "[debug]") {
    std::string const inside = co_await dump_inside();
    INFO(inside);
    REQUIRE(inside.find("after tests/debug/tasks_test.cpp") != std::string::npos);
    REQUIRE(inside.find("in dump_inside()") != std::string::npos);
    std::string const after = co_await after_a_child();
    INFO(after);
    REQUIRE(after.find("in after_a_child()") != std::string::npos);
    REQUIRE(after.find("innermost") == std::string::npos);  // has ended
}

GREEN_TEST("dump_tasks: a destructor under a cancel has a stack too", "[debug]") {
    struct dumps {
        std::string& text;
        explicit dumps(std::string& t) : text(t) {}
        dumps(const dumps&) = delete;
        dumps& operator=(const dumps&) = delete;
        ~dumps() { text = dump_tasks(); }
    };
    std::string text;
    auto const body = [&]() -> task<> {
        dumps const d(text);
        co_await innermost();
    };
    auto h = spawn({.name = "victim"}, body);
    co_await yield();
    h.cancel();
    co_await h.join();
    INFO(text);
    REQUIRE(text.find("'victim' being cancelled") != std::string::npos);
}

GREEN_TEST("dump_tasks: cycles of waiting are named", "[debug]") {
    join_handle<void> first;
    join_handle<void> second;
    auto const joins = [](join_handle<void>* other) -> task<> { co_await *other; };
    first = spawn({.name = "first"}, joins, &second);
    second = spawn({.name = "second"}, joins, &first);
    co_await yield();
    std::string const text = dump_tasks();
    INFO(text);
    REQUIRE(
        text.find("  cycle of waiting: #2 'first' -> #3 'second' -> #2 'first'\n") !=
        std::string::npos
    );
    second.cancel();
    co_await second.join();
    co_await first.join();  // looks at its failure
    REQUIRE(first.exception() != nullptr);
    REQUIRE(dump_tasks().find("cycle") == std::string::npos);
}

GREEN_TEST("dump_tasks: a child that joins its parent is a cycle", "[debug]") {
    join_handle<void> parent;
    auto const joins = [&]() -> task<> { co_await parent; };
    auto const body = [&]() -> task<> { co_await when_all(joins(), sleep_for(1h)); };
    parent = spawn({.name = "parent"}, body);
    co_await sleep_for(1ms);
    std::string const text = dump_tasks();
    INFO(text);
    REQUIRE(text.find("cycle of waiting: #2 'parent' -> #3 -> #2 'parent'\n") != std::string::npos);
    parent.cancel();
    co_await parent.join();
}

TEST_CASE("a deadlock_error names the cycle", "[debug]") {
    std::string text;
    auto const body = []() -> task<> {
        join_handle<void> me;
        join_handle<void> other;
        auto const joins = [](join_handle<void>* h) -> task<> { co_await *h; };
        me = spawn({.name = "me"}, joins, &other);
        other = spawn({.name = "other"}, joins, &me);
        co_await me;
    };
    try {
        run(virtual_clock(), body);
    } catch (const deadlock_error& e) {
        text = e.what();
    }
    INFO(text);
    REQUIRE(text.find("cycle of waiting: #2 'me' -> #3 'other' -> #2 'me'\n") != std::string::npos);
}

GREEN_TEST("dump_tasks: a deep tree needs no deep stack", "[debug]") {
    struct deep {
        static task<> scopes(int n) {
            if (n > 0) co_await with_timeout(1h, scopes(n - 1));
            co_await sleep_for(1s);
        }
    };
    spawn({.name = "deep"}, deep::scopes(2'000));
    co_await sleep_for(500ms);
    auto const all = all_tasks();
    REQUIRE(all.size() == 2'002);
    REQUIRE(all.back().parent == all[all.size() - 2].id);
}

GREEN_TEST("dump_tasks: JSON is what Python reads", "[debug][json]") {
    auto h = spawn({.name = "quote\" back\\slash \x01 tab\t"}, outermost);
    auto const joins = [](join_handle<void> target) -> task<> { co_await target; };
    auto const bad = spawn({.name = "bad \xff\xc3 utf8 \xe2\x82\xac"}, joins, h);
    co_await yield();
    h.cancel("no\nlonger");
    auto const fresh = spawn({.name = "fresh"}, middle());
    std::string const json = dump_tasks(dump_format::json);
    INFO(json);
    REQUIRE(json.find('\n') == std::string::npos);
    auto const printed = run_python(
        R"(
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
t = {x["id"]: x for x in d["tasks"]}
assert t[1]["state"] == "running" and t[1]["name"] == "main", t[1]
assert t[2]["name"] == "quote\" back\\slash \x01 tab\t", t[2]
assert t[3]["name"] == "bad \ufffd\ufffd utf8 \u20ac", t[3]
assert t[3]["blocked_by"] == 2 and t[3]["waits_for"].startswith("join of #2"), t[3]
assert t[3]["stack"][0]["file"].endswith("tasks_test.cpp"), t[3]
assert t[2]["cancel_requested"] and t[2]["cancel_reason"] == "no\nlonger", t[2]
assert t[4]["state"] == "created" and t[4]["stack"] == [], t[4]
assert d["cycles"] == [], d
print("all is well")
)",
        json
    );
    REQUIRE(printed == "all is well\n");
}

TEST_CASE("append_json: every byte sequence becomes valid JSON", "[debug][json]") {
    auto const json = [](std::string_view text) {
        std::string out;
        detail::append_json(out, text);
        return out;
    };
    REQUIRE(json("") == "\"\"");
    REQUIRE(json("a\"b\\c") == R"("a\"b\\c")");
    REQUIRE(json(std::string_view("\0\n\x1f\x7f", 4)) == "\"\\u0000\\u000a\\u001f\\u007f\"");
    REQUIRE(json("\xf0\x9f\x98\x80") == "\"\xf0\x9f\x98\x80\"");
    std::string const bad = "\xef\xbf\xbd";
    REQUIRE(json("\xff") == "\"" + bad + "\"");
    REQUIRE(json("\xc0\xaf") == "\"" + bad + bad + "\"");  // overlong
    REQUIRE(json("\xed\xa0\x80") == "\"" + bad + bad + bad + "\"");  // a surrogate
    REQUIRE(json("\xe2\x82") == "\"" + bad + bad + "\"");  // cut off
    REQUIRE(json("\xf4\x90\x80\x80") == "\"" + bad + bad + bad + bad + "\"");  // too large
}

TEST_CASE("all_tasks outside a loop says so", "[debug]") {
    REQUIRE_THROWS_AS(all_tasks(), std::logic_error);
    REQUIRE_THROWS_WITH(dump_tasks(), Catch::Contains("dump_tasks"));
}

}  // namespace
