#include <green/debug/trace.hpp>

#include "debug/process.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>
#include <green/tasks/timeout.hpp>

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

using namespace green;
using namespace green_test;

// Every B has its E on its row, times never go back, what is open at the end of a row is said.
const char* const check_trace = R"(
import collections, json, sys
events = json.load(open(sys.argv[1], encoding="utf-8"))
stacks, names, seen, last, pending = collections.defaultdict(list), {}, collections.Counter(), {}, {}
for e in events:
    row = (e["pid"], e["tid"])
    if e["ph"] == "M":
        names[row] = e["args"]["name"]
        continue
    assert e["ts"] >= last.get(row, 0), e
    last[row] = e["ts"]
    if e["ph"] == "B":
        stacks[row].append(e["name"])
        seen[(e["cat"], e["name"].split(",")[0])] += 1
        assert len(stacks[row]) <= 2, (e, stacks[row])
    elif e["ph"] == "E":
        assert stacks[row], ("E without B", e)
        stacks[row].pop()
        if "outcome" in e.get("args", {}):
            seen[("outcome", e["args"]["outcome"])] += 1
            assert not stacks[row], e
    elif e["ph"] == "b":
        assert (e["cat"], e["id"]) not in pending, e
        pending[(e["cat"], e["id"])] = e["name"]
        seen[("async " + e["cat"], e["name"])] += 1
    elif e["ph"] == "e":
        del pending[(e["cat"], e["id"])]
    else:
        raise AssertionError(e)
open_rows = sorted(names.get(r, "?") for r, s in stacks.items() if s)
print("open:", open_rows, len(pending))
for key in sorted(seen):
    print(*key, seen[key])
print(sorted(set(names.values())))
)";

task<> naps() { co_await sleep_for(2ms); }
task<> fails() {
    co_await yield();
    throw std::runtime_error("it broke");
}

task<> everything() {
    thread_executor pool(2);
    auto const napper = spawn({.name = "napper"}, naps);
    auto victim = spawn({.name = "victim"}, []() -> task<> { co_await sleep_for(1h); });
    auto never = spawn({.name = "never"}, naps);
    never.cancel();
    auto const broken = spawn({.name = "broken \"\n"}, fails);
    co_await yield();
    victim.cancel();
    co_await with_group([](task_group& g) -> task<> {
        g.spawn(naps());
        co_await naps();
    });
    co_await move_on_after(1ms, sleep_for(1h));
    auto job = pool.submit([] { return 42; });
    co_await job;
    co_await napper;
    co_await broken.join();
    co_await victim.join();
}

TEST_CASE("a trace is valid JSON and its spans nest", "[trace]") {
    scratch_directory const dir;
    {
        trace_session const trace(dir.file("trace.json"));
        run(everything());
    }
    std::string const text = read_file(dir.file("trace.json"));
    std::string const said = run_python(check_trace, text);
    INFO(said);
    INFO(text);
    REQUIRE(contains(said, "open: [] 0\n"));
    REQUIRE(contains(said, "outcome failed 1\n"));
    REQUIRE(contains(said, "outcome cancelled 3\n"));  // victim, never, the one that was too late
    REQUIRE(contains(said, "async job job 1\n"));
    REQUIRE(contains(said, "job job 1\n"));
    REQUIRE(contains(said, "task #1 'main' 1\n"));
    REQUIRE(contains(said, "wait with_group of 1 task 1\n"));
    REQUIRE(contains(said, "wait sleep "));
    REQUIRE(contains(said, "wait a job on thread_executor 1\n"));
    REQUIRE(contains(said, "jobs and queries"));
    REQUIRE(contains(said, "loop of thread "));
}

TEST_CASE("a trace can begin and end in the middle of a run", "[trace]") {
    scratch_directory const dir;
    run(virtual_clock(), [&]() -> task<> {
        auto const waits = []() -> task<> { co_await sleep_for(1h); };
        auto const sleeper = spawn({.name = "sleeper"}, waits);
        co_await sleep_for(1s);
        {
            trace_session const trace(dir.file("middle.json"));
            co_await with_group([](task_group& g) -> task<> {
                g.spawn(naps());
                co_await naps();
            });
            spawn({.name = "late"}, waits);
            co_await sleep_for(1s);
            spawn({.name = "fresh"}, waits);
        }
        co_await sleep_for(1s);
        {
            trace_session again(dir.file("again.json"));
            co_await yield();
            again.close();
            co_await yield();
        }
    });
    for (const char* name : {"middle.json", "again.json"}) {
        std::string const text = read_file(dir.file(name));
        std::string const said = run_python(check_trace, text);
        INFO(said);
        INFO(text);
        REQUIRE(contains(said, "open: [] 0\n"));
        REQUIRE(contains(said, "task #2 'sleeper' 1\n"));
    }
}

TEST_CASE(
    "a trace survives what ends a task: a scope, an exception, the end of the run", "[trace]"
) {
    scratch_directory const dir;
    auto const body = [&]() -> task<> {
        trace_session const trace(dir.file("trace.json"));
        co_await yield();
        co_await fails();
    };
    REQUIRE_THROWS_AS(run(body), std::runtime_error);
    auto const cancelled = [&]() -> task<> {
        auto const traced = [&]() -> task<> {
            trace_session const trace(dir.file("cancelled.json"));
            co_await sleep_for(1h);
        };
        auto h = spawn(traced);
        co_await sleep_for(1ms);
        h.cancel();
        co_await h.join();
    };
    run(virtual_clock(), cancelled);
    for (const char* name : {"trace.json", "cancelled.json"}) {
        std::string const said = run_python(check_trace, read_file(dir.file(name)));
        INFO(said);
        REQUIRE(contains(said, "open: [] 0\n"));
    }
}

TEST_CASE("a deadlock is in the trace to its end", "[trace]") {
    scratch_directory const dir;
    {
        trace_session const trace(dir.file("trace.json"));
        auto const body = []() -> task<> { co_await sleep_for(forever); };
        REQUIRE_THROWS_AS(run(virtual_clock(), body), deadlock_error);
    }
    std::string const said = run_python(check_trace, read_file(dir.file("trace.json")));
    INFO(said);
    REQUIRE(contains(said, "open: [] 0\n"));
    REQUIRE(contains(said, "wait a sleep without end 1\n"));
}

TEST_CASE("one trace at a time, in a file that can be written", "[trace]") {
    scratch_directory const dir;
    trace_session const trace(dir.file("trace.json"));
    REQUIRE_THROWS_AS(trace_session(dir.file("other.json")), std::logic_error);
    REQUIRE_THROWS_AS(trace_session("/nowhere/at/all.json"), std::logic_error);
}

TEST_CASE("a file that cannot be written is an error that names it", "[trace]") {
    try {
        trace_session const trace("/nowhere/at/all.json");
        FAIL("there is no such directory");
    } catch (const std::system_error& e) {
        REQUIRE(contains(e.what(), "trace file /nowhere/at/all.json"));
    }
}

TEST_CASE("two loops share a trace", "[trace]") {
    scratch_directory const dir;
    {
        trace_session const trace(dir.file("trace.json"));
        std::thread other([] { run([]() -> task<> { co_await naps(); }); });
        run([]() -> task<> { co_await naps(); });
        other.join();
    }
    std::string const said = run_python(check_trace, read_file(dir.file("trace.json")));
    INFO(said);
    REQUIRE(contains(said, "open: [] 0\n"));
    REQUIRE(contains(said, "task #1 'main' 2\n"));
}

}  // namespace

TEST_CASE("program: traced by its environment", "[.program]") {
    run([]() -> task<> { co_await naps(); });
    run([]() -> task<> {
        for (int i = 0; i < 5000; ++i) co_await yield();
        std::raise(SIGKILL);
    });
}

TEST_CASE(
    "GREEN_TRACE traces a program that knows nothing of it; killed, its file is valid", "[trace]"
) {
    scratch_directory const dir;
    auto const e = run_program(
        "program: traced by its environment", {"GREEN_TRACE=" + dir.file("trace.json")}
    );
    REQUIRE(e.status == 256 + SIGKILL);
    std::string const said = run_python(check_trace, read_file(dir.file("trace.json")));
    INFO(said);
    REQUIRE(contains(said, "open: [\"#1 'main'\"] 0\n"));
    REQUIRE(contains(said, "task #1 'main' 2\n"));
    REQUIRE(contains(said, "outcome done 1\n"));
}

TEST_CASE("a GREEN_TRACE that cannot be written is said and does no harm", "[trace]") {
    auto const e = run_program("program: stalls", {"GREEN_TRACE=/nowhere/trace.json"});
    REQUIRE(e.status == 0);
    REQUIRE(contains(e.output, "green: trace file /nowhere/trace.json: "));
}
