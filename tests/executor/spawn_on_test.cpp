#include <green/executor/spawn_on.hpp>

#include "support/standard_error.hpp"
#include "support/waits.hpp"

#include <green/executor/promise.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/tasks/timeout.hpp>

#include <functional>
#include <latch>
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
task<> wait_for_job(thread_executor& pool, std::latch& gate) {
    co_await pool.run([&gate] { gate.wait(); });
}

/// Ends while its task waits for a job, which is then abandoned.
void abandon_a_wait(thread_executor& pool, std::latch& gate, future<void>& abandoned) {
    auto const body = [&]() -> task<> {
        abandoned = spawn_on(this_loop(), wait_for_job, std::ref(pool), std::ref(gate));
        while (pool.stats().running == 0) co_await yield();
    };
    run_options options;
    options.shutdown_grace = 1ms;
    static_cast<void>(green_test::stderr_of([&] { run(options, body); }));
}

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

TEST_CASE("spawn_on: its task is abandoned", "[spawn_on]") {
    std::latch gate(1);
    thread_executor pool(1);
    future<void> abandoned;
    abandon_a_wait(pool, gate, abandoned);
    REQUIRE_THROWS_AS(abandoned.result(), cancelled_error);
    gate.count_down();
}

TEST_CASE("thread_executor: an abandoned job comes back in another run", "[spawn_on]") {
    std::latch gate(1);
    std::latch second_gate(1);
    thread_executor pool(2);
    future<void> abandoned;
    abandon_a_wait(pool, gate, abandoned);
    auto const body = [&]() -> task<> {
        auto const job = spawn(wait_for_job, std::ref(pool), std::ref(second_gate));
        gate.count_down();
        while (pool.stats().running != 1) co_await yield();
        co_await yield();  // what it has posted has come
        std::thread opener([&] {
            std::this_thread::sleep_for(20ms);
            second_gate.count_down();
        });
        auto const in_time = co_await move_on_after(1s, job.join());
        opener.join();
        REQUIRE(in_time.has_value());  // the clock stood still
    };
    run_options options;
    options.virtual_time = true;
    run(options, body);
}
