#include "support/green_test.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

using namespace green;
using namespace green_test;

task<> napping() { co_await sleep_for(1h); }

run_options dumping() {
    run_options options;
    options.dump_on_sigusr1 = true;
    return options;
}

}  // namespace

TEST_CASE("program: dumped by a signal", "[.program]") {
    run(dumping(), []() -> task<> {
        spawn({.name = "napper"}, napping);
        co_await sleep_for(1ms);
        std::raise(SIGUSR1);
        co_await sleep_for(50ms);
        std::puts("went on");
    });
    std::fflush(stdout);
    std::_Exit(0);
}
TEST_CASE("program: signalled after its run", "[.program]") {
    run(dumping(), []() -> task<> { co_await yield(); });
    std::raise(SIGUSR1);
    std::_Exit(0);
}

TEST_CASE("SIGUSR1 prints the tasks, and the run goes on", "[debug][signal]") {
    auto const e = run_program("program: dumped by a signal");
    INFO(e.output);
    REQUIRE(e.status == 0);
    REQUIRE(contains(e.output, "green: SIGUSR1: the tasks of this loop:\n"));
    REQUIRE(contains(e.output, "'main' waits for sleep, "));
    REQUIRE(contains(e.output, "'napper' waits for sleep, 60 min left\n"));
    REQUIRE(contains(e.output, "in napping()"));
    REQUIRE(contains(e.output, "went on\n"));
}

TEST_CASE(
    "without the option, and after the run, SIGUSR1 is what it always was", "[debug][signal]"
) {
    auto const e = run_program("program: signalled after its run");
    REQUIRE(e.status == 256 + SIGUSR1);
}

GREEN_TEST_WITH(dumping(), "listening for a signal keeps no loop alive", "[debug][signal]") {
    co_await sleep_for(1ms);
}
