#include "executor/failing_new.hpp"
#include "support/catch.hpp"
#include "support/standard_error.hpp"

#include <green/executor/thread_executor.hpp>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

// A thread_executor where memory runs out.

using namespace green;
using namespace green_test;

TEST_CASE("thread_executor: a submit without memory leaves nothing behind", "[thread_pool]") {
    if (!new_can_fail) return;
    bool failed = true;
    for (int n = 0; failed; ++n) {
        INFO("after " << n << " allocations");
        std::atomic<int> runs{0};
        thread_executor pool(1);
        bool threw = false;
        {
            failing_new const limit(n);
            try {
                pool.submit([&runs] { ++runs; });
            } catch (const std::bad_alloc&) {
                threw = true;
            } catch (const executor_error&) {  // the thread could not be started
                threw = true;
            }
            failed = limit.has_failed();
        }
        REQUIRE(threw == failed);
        pool.submit([] {}).result();
        REQUIRE(runs == (threw ? 0 : 1));
        REQUIRE(pool.stats().submitted == (threw ? 1U : 2U));
    }
}

TEST_CASE("thread_executor: it ends without memory", "[thread_pool]") {
    if (!new_can_fail) return;
    auto const grace = GENERATE(std::chrono::nanoseconds(0), forever);
    std::latch begun(2);
    std::vector<future<bool>> running;
    std::vector<future<void>> queued;
    auto pool = std::make_unique<thread_executor>(
        thread_executor_options{.max_workers = 2, .shutdown_grace = grace}
    );
    for (int i = 0; i < 2; ++i) {
        running.push_back(pool->submit([&](std::stop_token stop) {
            begun.count_down();
            while (!stop.stop_requested()) std::this_thread::yield();
            return true;
        }));
    }
    begun.wait();
    for (int i = 0; i < 3; ++i) queued.push_back(pool->submit([] {}));
    std::string const report = stderr_of([&] {
        no_memory const now;
        pool->shutdown({.wait = false, .stop_running = grace == forever});
        pool.reset();
    });
    for (auto& f : running) CHECK(f.result());
    for (auto& f : queued) CHECK(f.cancelled());
    REQUIRE(
        report ==
        (grace == forever ? "" : "green: thread_executor: left behind, still running: a job a job\n"
        )
    );
}
