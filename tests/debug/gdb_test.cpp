#include "support/green_test.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/core/config.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <string>

using namespace green;
using namespace green_test;

// What no optimiser takes away.
const join_handle<int>* volatile green_test_handle = nullptr;
extern "C" [[gnu::noinline, gnu::visibility("default")]] void green_test_stop_here() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
}

namespace {

task<> innermost() { co_await sleep_for(1h); }
task<> outer() { co_await innermost(); }
task<> stops(const join_handle<int>& handle) {
    green_test_handle = &handle;
    green_test_stop_here();
    co_return;
}

task<> tree() {
    auto const sleeper = spawn({.name = "sleeper"}, outer);
    auto const answer = spawn({.name = "answer"}, []() -> task<int> {
        co_await sleep_for(1h);
        co_return 42;
    });
    auto const joins = [](join_handle<void> h) -> task<> { co_await h; };
    spawn({.name = "joiner"}, joins, sleeper);
    auto const guarded = []() -> task<> { co_await shield(sleep_for(1h)); };
    auto shielded = spawn({.name = "guarded"}, guarded);
    spawn({.name = "grouped"}, []() -> task<> {
        co_await with_group([](task_group& g) -> task<> {
            g.spawn({.name = "child"}, innermost());
            co_await sleep_for(1h);
        });
    });
    co_await sleep_for(1ms);
    shielded.cancel();
    spawn({.name = "fresh"}, outer);
    co_await stops(answer);
    std::_Exit(0);
}

void check(const std::string& text) {
    INFO(text);
    REQUIRE(contains(text, "loop of thread "));
    REQUIRE(contains(text, "  #1 'main' running\n      after tests/debug/gdb_test.cpp:"));
    REQUIRE(contains(text, " in stops()\n      at tests/debug/gdb_test.cpp:"));
    REQUIRE(contains(text, "  #2 'sleeper' waits for sleep\n      at tests/debug/gdb_test.cpp:"));
    REQUIRE(contains(text, " in innermost()\n      at tests/debug/gdb_test.cpp:"));
    REQUIRE(contains(text, " in outer()\n      spawned at tests/debug/gdb_test.cpp:"));
    REQUIRE(contains(text, "'joiner' waits for join of #2 'sleeper'\n"));
    REQUIRE(contains(text, "'guarded' waits for sleep (cancelled, shielded)\n"));
    REQUIRE(contains(text, "'grouped' waits for with_group of 2 tasks\n"));
    REQUIRE(contains(text, "\n    #"));  // children, further to the right
    REQUIRE(contains(text, "'child' waits for sleep\n"));
    REQUIRE(contains(text, "'fresh' not started\n"));
}

}  // namespace

TEST_CASE("program: for a debugger", "[.program]") { run(tree()); }

TEST_CASE("green-gdb.py prints the tasks of a stopped process and of its core", "[debug][gdb]") {
    std::string const script = GREEN_SOURCE_ROOT "/runtime/green/debug/green-gdb.py";
#if GREEN_ASAN || defined(__SANITIZE_THREAD__)
    WARN("skipped: under a sanitizer");
    return;
#endif
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
    WARN("skipped: under a sanitizer");
    return;
#endif
#endif
    if (std::system("gdb --version >/dev/null 2>&1") != 0) {
        WARN("skipped: there is no gdb");
        return;
    }
    scratch_directory const dir;
    std::string const core = dir.file("core");
    std::vector<std::string> const gdb = {"gdb",    "-q",  "-nx",
                                          "-batch", "-ex", "set print thread-events off"};
    auto live = gdb;
    auto const add = [](std::vector<std::string>& command, const std::string& word) {
        command.push_back("-ex");
        command.push_back(word);
    };
    add(live, "set breakpoint pending on");
    add(live, "break green_test_stop_here");
    add(live, "run");
    add(live, "source " + script);
    add(live, "green-tasks");
    add(live, "print *green_test_handle");
    add(live, "generate-core-file " + core);
    live.insert(
        live.end(), {"--args", program_path(), "program: for a debugger", "--out=/dev/null"}
    );
    // A debugger that may not stop processes (a container without ptrace) tests nothing.
    auto const stopped = run_process(live, {"DEBUGINFOD_URLS="});
    if (contains(stopped.output, "no debug information") || contains(stopped.output, "ptrace")) {
        WARN("skipped: gdb cannot look into this build here");
        return;
    }
    check(stopped.output);
    INFO(stopped.output);
    REQUIRE(contains(stopped.output, "join_handle of #3 'answer' waits for sleep"));

    if (!std::filesystem::exists(core)) {
        WARN("skipped: gdb could not write a core file");
        return;
    }
    auto dead = gdb;
    add(dead, "source " + script);
    add(dead, "green-tasks");
    dead.insert(dead.end(), {program_path(), core});
    check(run_process(dead, {"DEBUGINFOD_URLS="}).output);
}
