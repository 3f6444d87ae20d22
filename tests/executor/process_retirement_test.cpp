#include "executor/process_jobs.hpp"

#include <green/executor/process_executor.hpp>

#include <cstddef>
#include <thread>
#include <vector>

using namespace green;
using namespace green_test;

// A worker that may do so many jobs and no more: who takes its place, and when.

namespace {

process_executor_options one_job_each(std::size_t max_workers) {
    process_executor_options options;
    options.max_workers = max_workers;
    options.max_tasks_per_child = 1;
    return options;
}

/// Until so many workers have nothing to do, or more jobs than may have begun. The watchdog bounds it.
void wait_for_idle(const process_executor& pool, std::size_t idle, const meeting_point& begun) {
    int const most = static_cast<int>(pool.max_workers());
    while (pool.stats().idle < idle && begun.value() <= most) std::this_thread::sleep_for(1ms);
}

}  // namespace

TEST_CASE("process_executor: retiring workers count as workers", "[process_executor]") {
    for (std::size_t const max_workers : {1U, 2U}) {
        meeting_point gate;
        process_executor pool(one_job_each(max_workers));
        std::vector<future<int>> jobs;
        for (int i = 0; i < 10; ++i) jobs.push_back(pool.submit(pass_gate, gate.path(), i));
        gate.wait_for(static_cast<int>(max_workers));
        wait_for_idle(pool, max_workers, gate);
        executor_stats const s = pool.stats();
        REQUIRE(gate.value() == static_cast<int>(max_workers));
        REQUIRE(s.running == max_workers);
        REQUIRE(s.queued == 10 - max_workers);
        REQUIRE(s.workers == 2 * max_workers);
        gate.value() = 1000;
        for (int i = 0; i < 10; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i);
        pool.shutdown();
        REQUIRE(pool.stats().workers_started >= 10);
        REQUIRE(pool.stats().workers_started <= 10 + max_workers);
    }
}

TEST_CASE(
    "process_executor: the successor is there before the worker retires", "[process_executor]"
) {
    meeting_point gate;
    process_executor pool(one_job_each(1));
    auto last = pool.submit(pass_gate, gate.path(), 1);
    gate.wait_for(1);
    wait_for_idle(pool, 1, gate);
    REQUIRE_FALSE(last.done());
    REQUIRE(pool.stats().workers == 2);
    gate.value() = 1000;
    REQUIRE(last.result() == 1);
}

TEST_CASE("process_executor: every worker that retires has a successor", "[process_executor]") {
    process_executor pool(one_job_each(3));
    pool.warm().result();
    for (int i = 0; i < 4; ++i) REQUIRE(pool.submit(square, i).result() == i * i);
    while (pool.stats().idle < 3 || pool.stats().workers > 3) std::this_thread::sleep_for(1ms);
    REQUIRE(pool.stats().workers_started == 7);
}

TEST_CASE("process_executor: a shutdown starts no successor", "[process_executor]") {
    meeting_point gate;
    process_executor_options options;
    options.max_workers = 1;
    options.max_tasks_per_child = 2;
    process_executor pool(options);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    meeting_point held;
    first.add_done_callback([&](const future<int>&) {
        held.arrive();  // on the manager's thread, which starts nobody meanwhile
        held.wait_for(1000);
    });
    gate.value() = 1000;
    held.wait_for(1);
    auto last = pool.submit(square, 3);
    pool.shutdown({.wait = false});
    held.value() = 1000;
    REQUIRE(last.result() == 9);
    pool.shutdown();
    REQUIRE(pool.stats().workers_started == 1);
}
