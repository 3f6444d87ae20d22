#include "support/green_test.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>

#include <atomic>

#include <unistd.h>

// The tests' own watchdog (support/green_test.hpp), proved on test cases that hang: this executable is
// started again to run them.

namespace {

using namespace green;
using namespace green_test;

GREEN_TEST("hangs in its loop", "[.][hangs]") {
    auto const guard = this_loop().keep_alive();  // else it would be a deadlock
    co_await sleep_for(forever);
}

GREEN_TEST("hangs outside its loop", "[.][hangs]") {
    std::atomic<bool> const never{false};
    while (!never) usleep(1000);
    co_return;
}

TEST_CASE("hangs without a loop", "[.][hangs]") {
    std::atomic<bool> const never{false};
    while (!never) usleep(1000);
}

ended_process run_test_case(const char* name) {
    return run_process({program_path(), name}, {"GREEN_TEST_TIMEOUT_SCALE=0.02"});
}

TEST_CASE("a test that hangs is ended with a dump of its tasks", "[watchdog]") {
    auto const in_loop = run_test_case("hangs in its loop");
    INFO(in_loop.output);
    REQUIRE(in_loop.status == 124);
    REQUIRE(contains(in_loop.output, "'hangs in its loop' has not ended"));
    REQUIRE(contains(in_loop.output, "'main' waits for a sleep without end"));
    REQUIRE(contains(in_loop.output, "watchdog_test.cpp:"));
}

TEST_CASE("a loop that does not answer is dumped all the same", "[watchdog]") {
    auto const outside = run_test_case("hangs outside its loop");
    INFO(outside.output);
    REQUIRE(outside.status == 124);
    REQUIRE(contains(outside.output, "does not answer"));
    REQUIRE(contains(outside.output, "'main' running"));
}

TEST_CASE("a test case without a loop is watched too", "[watchdog]") {
    auto const without = run_test_case("hangs without a loop");
    INFO(without.output);
    REQUIRE(without.status == 124);
    REQUIRE(contains(without.output, "'hangs without a loop' has not ended"));
}

}  // namespace
