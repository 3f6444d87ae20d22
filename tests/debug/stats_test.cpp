#include <green/debug/stats.hpp>

#include "support/green_test.hpp"

#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>

namespace {

using namespace green;
using namespace green_test;

GREEN_TEST("this_loop_stats counts tasks and their steps", "[debug][stats]") {
    auto const before = this_loop_stats();
    REQUIRE(before.tasks_alive == 1);
    REQUIRE(before.tasks_spawned == 1);
    auto const h = spawn([]() -> task<> {
        co_await yield();
        co_await yield();
    });
    spawn([]() -> task<> { co_await sleep_for(1h); });
    co_await h;
    auto const after = this_loop_stats();
    REQUIRE(after.tasks_spawned == 3);
    REQUIRE(after.tasks_alive == 2);
    REQUIRE(after.resumes == before.resumes + 3 + 1 + 1);  // of h, of the sleeper, of main
}

task<> keeps_the_loop() {
    co_await yield();
    std::this_thread::sleep_for(30ms);
}

GREEN_TEST_REAL_CLOCK("loop_meter names the longest step", "[debug][stats]") {
    loop_meter const meter;
    REQUIRE(meter.times().longest_resume == 0ns);
    co_await spawn({.name = "slow"}, keeps_the_loop);
    co_await sleep_for(2ms);
    auto const& times = meter.times();
    REQUIRE(times.longest_resume >= 30ms);
    REQUIRE(times.longest_resume_task == "#2 'slow'");
    REQUIRE(
        std::string(times.longest_resume_spawned_at.file_name()).find("stats_test.cpp") !=
        std::string::npos
    );
    REQUIRE(times.longest_lag >= 30ms);
    auto const slow = std::accumulate(times.lag.begin() + 15, times.lag.end(), std::uint64_t{0});
    REQUIRE(slow >= 1);  // of 16 ms and more
}

TEST_CASE("statistics outside a loop say so", "[debug][stats]") {
    REQUIRE_THROWS_AS(this_loop_stats(), std::logic_error);
    REQUIRE_THROWS_AS(loop_meter(), std::logic_error);
}

}  // namespace
