// bench/executor.cpp in oneTBB: jobs on a task_arena. It has no loop to come back to, so whoever ends a job
// hands in the next one, and a round trip is a thread that sleeps until its job is done.

#include "../../executor.hpp"

#include <atomic>
#include <semaphore>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

namespace {

void nothing() {}

/// Jobs of which a number is always in flight.
template <class F>
class series {
public:
    series(unsigned threads, F job)
        : limit_(oneapi::tbb::global_control::max_allowed_parallelism, threads + 1),
          arena_(
              static_cast<int>(threads) + 1, 1
          ),  // one place is the caller's, who does not use it
          job_(job) {}

    void run(std::size_t in_flight, int jobs) {
        left_to_start_ = jobs;
        left_to_end_ = jobs;
        for (std::size_t i = 0; i < in_flight; ++i) start();
        done_.acquire();
    }

private:
    void start() {
        if (left_to_start_.fetch_sub(1) <= 0) return;
        arena_.enqueue([this] {
            job_();
            start();
            if (left_to_end_.fetch_sub(1) == 1) done_.release();
        });
    }

    oneapi::tbb::global_control limit_;
    oneapi::tbb::task_arena arena_;
    F job_;
    std::atomic<int> left_to_start_{0};
    std::atomic<int> left_to_end_{0};
    std::binary_semaphore done_{0};
};

template <class F>
double best_of(
    const bench::program& out, unsigned threads, std::size_t in_flight, int jobs, F job
) {
    series<F> jobs_of(threads, job);
    bench::best_time best;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        jobs_of.run(in_flight, jobs);
        best.end(static_cast<std::size_t>(jobs));
    }
    return best.ns();
}

double round_trip(const bench::program& out) {
    series<void (*)()> one(1, nothing);
    bench::best_time best;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (int i = 0; i < bench::round_trips_per_slice; ++i) one.run(1, 1);
        best.end(bench::round_trips_per_slice);
    }
    return best.ns();
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("tbb", argc, argv);
    for (auto const& [figure, threads] : bench::empty_jobs) {
        if (!out.wants(figure)) continue;
        out.report(
            figure, best_of(out, threads, bench::in_flight, bench::jobs_per_slice, nothing), "ns"
        );
    }
    if (out.wants("jobs_10us")) {
        double const ns =
            best_of(out, 2, bench::in_flight, bench::long_jobs_per_slice, bench::work_10us);
        out.report("jobs_10us", ns, "ns");
    }
    if (out.wants("job_round_trip")) out.report("job_round_trip", round_trip(out) / 1000, "µs");
}
