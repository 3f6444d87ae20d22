#include <green/executor/spawn_on.hpp>

#include "support/waits.hpp"

#include <green/executor/promise.hpp>
#include <green/executor/thread_executor.hpp>

#include <stdexcept>
#include <string>
#include <thread>

using namespace green;
using namespace std::chrono_literals;

namespace {

task<int> twice(int n) {
    co_await yield();
    co_return 2 * n;
}
task<> fails(std::string what) {
    co_await yield();
    throw std::out_of_range(what);
}
task<> forever_asleep() { co_await sleep_for(10h); }

}  // namespace

// conformance 58
GREEN_TEST_REAL_CLOCK("spawn_on: a job runs a coroutine on the loop", "[spawn_on]") {
    thread_executor pool(1);
    loop& l = this_loop();
    auto const loop_thread = std::this_thread::get_id();
    auto const on_loop = [loop_thread]() -> task<bool> {
        co_return std::this_thread::get_id() == loop_thread;
    };
    auto const job = [&l, on_loop] {
        if (!spawn_on(l, on_loop).result()) throw std::logic_error("on another thread");
        return spawn_on(l, twice, 4).result();
    };
    int const n = co_await pool.run(job);
    REQUIRE(n == 8);
    auto const failing_job = [&l] { spawn_on(l, fails, std::string("far")).result(); };
    std::string const what =
        co_await green_test::error_of_wait<std::out_of_range>(pool.run(failing_job));
    REQUIRE(what == "far");
}

GREEN_TEST_REAL_CLOCK("spawn_on: cancelled before and after it began", "[spawn_on]") {
    auto early = spawn_on(this_loop(), twice, 1);
    REQUIRE(early.cancel());
    auto late = spawn_on(this_loop(), forever_asleep);
    while (!late.running()) co_await yield();
    REQUIRE_FALSE(late.cancel());
    std::string const what = co_await green_test::error_of_wait<cancelled_error>(late);
    REQUIRE(what == "future: the job was cancelled");
    REQUIRE(late.cancelled());
    REQUIRE(early.cancelled());
}

TEST_CASE("spawn_on: the run ends, or has ended", "[spawn_on]") {
    loop* l = nullptr;
    future<void> begun;
    future<void> waiting;
    auto const body = [&]() -> task<> {
        l = &this_loop();
        begun = spawn_on(*l, forever_asleep);
        while (!begun.running()) co_await yield();
        waiting = spawn_on(*l, forever_asleep);
    };
    run(body);
    REQUIRE_THROWS_AS(begun.result(), cancelled_error);
    REQUIRE_THROWS_AS(waiting.result(), cancelled_error);
    REQUIRE_THROWS_AS(spawn_on(*l, twice, 1).result(), closed_error);
}
