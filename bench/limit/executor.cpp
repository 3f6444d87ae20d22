// The jobs of bench/executor.cpp on libuv's own thread pool: callbacks, no coroutines.

#include "../executor.hpp"

#include <uv.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

struct series;

struct job {
    uv_work_t request;
    series* of;
};

/// Jobs of which a number is always in flight.
struct series {
    void (*work)();
    int to_start;
    std::vector<job> jobs;
};

void start(job& j) {
    --j.of->to_start;
    uv_queue_work(
        uv_default_loop(), &j.request, [](uv_work_t* r) { static_cast<job*>(r->data)->of->work(); },
        [](uv_work_t* r, int) {
            job& done = *static_cast<job*>(r->data);
            if (done.of->to_start > 0) start(done);
        }
    );
}

void run(series& s, int jobs) {
    s.to_start = jobs;
    for (job& j : s.jobs) start(j);
    uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

series make_series(void (*work)(), std::size_t in_flight) {
    series s{work, 0, std::vector<job>(in_flight)};
    return s;
}

double best_of(const bench::program& out, series s, int jobs) {
    for (job& j : s.jobs) {
        j.of = &s;
        j.request.data = &j;
    }
    bench::best_time best;
    for (int i = 0; i < out.slices(); ++i) {
        best.begin();
        run(s, jobs);
        best.end(static_cast<std::size_t>(jobs));
    }
    return best.ns();
}

void nothing() {}

/// libuv reads it once, before its first job: so a process measures one figure.
void use_threads(unsigned n) { ::setenv("UV_THREADPOOL_SIZE", std::to_string(n).c_str(), 1); }

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    for (auto const& [figure, threads] : bench::empty_jobs) {
        if (!out.wants(figure)) continue;
        use_threads(threads);
        out.report(
            figure, best_of(out, make_series(nothing, bench::in_flight), bench::jobs_per_slice),
            "ns"
        );
    }
    if (out.wants("jobs_10us")) {
        use_threads(2);
        series s = make_series(bench::work_10us, bench::in_flight);
        out.report("jobs_10us", best_of(out, std::move(s), bench::long_jobs_per_slice), "ns");
    }
    if (out.wants("job_round_trip")) {
        use_threads(1);
        double const ns = best_of(out, make_series(nothing, 1), bench::round_trips_per_slice);
        out.report("job_round_trip", ns / 1000, "µs");
    }
}
