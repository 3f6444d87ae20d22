// bench/executor.cpp in Asio: jobs on an asio::thread_pool, coroutines on an io_context.

#include "../../executor.hpp"

#include <asio.hpp>

#include <cstdlib>

namespace {

void nothing() {}

/// One job: to the pool, and back to the coroutine's own context.
template <class F>
asio::awaitable<void> run_on(asio::thread_pool& pool, F job) {
    auto const initiate = [&pool, job](auto handler) {
        auto const back = asio::get_associated_executor(handler);
        asio::post(pool, [job, back, handler = std::move(handler)]() mutable {
            job();
            asio::post(back, std::move(handler));
        });
    };
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(
        initiate, asio::use_awaitable
    );
}

template <class F>
asio::awaitable<void> one_after_another(asio::thread_pool& pool, int jobs, F job) {
    for (int i = 0; i < jobs; ++i) co_await run_on(pool, job);
}

template <class F>
double best_of(
    const bench::program& out, unsigned threads, std::size_t in_flight, int jobs, F job
) {
    asio::thread_pool pool(threads);
    bench::best_time best;
    for (int s = 0; s < out.slices(); ++s) {
        asio::io_context context(1);
        auto const stay = asio::make_work_guard(context);
        std::size_t left = in_flight;
        best.begin();
        for (std::size_t t = 0; t < in_flight; ++t) {
            asio::co_spawn(
                context, one_after_another(pool, jobs / static_cast<int>(in_flight), job),
                [&](const std::exception_ptr& error) {
                    if (error) std::abort();
                    if (--left == 0) context.stop();
                }
            );
        }
        context.run();
        best.end(static_cast<std::size_t>(jobs));
    }
    pool.join();
    return best.ns();
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("asio", argc, argv);
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
    if (out.wants("job_round_trip")) {
        double const ns = best_of(out, 1, 1, bench::round_trips_per_slice, nothing);
        out.report("job_round_trip", ns / 1000, "µs");
    }
}
