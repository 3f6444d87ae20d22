// The primality tests of bench/primes.cpp one after the other, on one thread.

#include "../primes.hpp"

#include <algorithm>
#include <cstdlib>

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    if (!out.wants("primes_sequential")) return 0;
    bench::best_time best;
    for (int round = 0; round < bench::prime_rounds(out); ++round) {
        best.begin();
        auto const primes = std::ranges::count_if(bench::candidates, bench::is_prime);
        best.end(1);
        if (primes != bench::primes_among_candidates) std::abort();
    }
    out.report("primes_sequential", best.ns() / 1e6, "ms");
}
