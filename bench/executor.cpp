// What jobs on green's executors cost. bench/limit/executor.cpp does the same with libuv's own thread pool,
// and bench/peers/ with other runtimes.

#include "executor.hpp"

#include <green/executor/thread_executor.hpp>
#include <green/loop/run.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace std::chrono_literals;
using green::task;

void nothing() {}

/// `bench::in_flight` tasks of the loop, each of which has one job after another done.
template <class F>
task<> keep_in_flight(green::thread_executor& pool, int jobs, F job) {
    auto const one_after_another = [&pool, job](int n) -> task<> {
        for (int i = 0; i < n; ++i) co_await pool.run(job);
    };
    std::vector<green::join_handle<>> tasks;
    tasks.reserve(bench::in_flight);
    int const each = jobs / static_cast<int>(bench::in_flight);
    for (std::size_t t = 0; t < bench::in_flight; ++t) {
        tasks.push_back(green::spawn(one_after_another, each));
    }
    for (auto& t : tasks) co_await t;
}

template <class F>
task<> throughput(
    const bench::program& out, const char* figure, unsigned threads, int jobs, F job
) {
    green::thread_executor pool(threads);
    bench::best_time best;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        co_await keep_in_flight(pool, jobs, job);
        best.end(static_cast<std::size_t>(jobs));
    }
    out.report(figure, best.ns(), "ns");
}

task<> round_trip(const bench::program& out, const char* figure, std::chrono::nanoseconds spin) {
    green::thread_executor pool({.max_workers = 1, .spin = spin});
    bench::best_time best;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (int i = 0; i < bench::round_trips_per_slice; ++i) co_await pool.run(nothing);
        best.end(bench::round_trips_per_slice);
    }
    out.report(figure, best.ns() / 1000, "µs");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("green", argc, argv);
    for (auto const& [figure, threads] : bench::empty_jobs) {
        if (out.wants(figure)) {
            green::run(throughput(out, figure, threads, bench::jobs_per_slice, nothing));
        }
    }
    if (out.wants("jobs_10us")) {
        green::run(throughput(out, "jobs_10us", 2, bench::long_jobs_per_slice, bench::work_10us));
    }
    if (out.wants("job_round_trip")) green::run(round_trip(out, "job_round_trip", 0ns));
    if (out.wants("job_round_trip_spin")) green::run(round_trip(out, "job_round_trip_spin", 50us));
}
