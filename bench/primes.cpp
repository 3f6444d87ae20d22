// Six primality tests on two workers, threads and processes. bench/limit/primes.cpp does them one after the other.

#include "primes.hpp"

#include <green/executor/process_executor.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/loop/run.hpp>

#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

constexpr std::size_t workers = 2;

template <class Executor>
green::task<> speed(const bench::program& out, const char* figure) {
    Executor pool(workers);
    // New threads and processes share a core for a while: the first rounds warm the pool.
    bench::best_time best;
    for (int round = 0; round < bench::prime_rounds(out); ++round) {
        best.begin();
        // Each number is a job: chunks of three would put one worker's last job behind another's.
        auto results = pool.map(bench::is_prime, bench::candidates, {.chunksize = 1});
        std::vector<bool> const prime = co_await results.collect();
        best.end(1);
        if (std::ranges::count(prime, true) != bench::primes_among_candidates) std::abort();
    }
    out.report(figure, best.ns() / 1e6, "ms");
}

}  // namespace

int main(int argc, char** argv) {
    green::process_worker_main();
    bench::program const out("green", argc, argv);
    if (out.wants("primes_threads"))
        green::run(speed<green::thread_executor>(out, "primes_threads"));
    if (out.wants("primes_processes")) {
        green::run(speed<green::process_executor>(out, "primes_processes"));
    }
}
