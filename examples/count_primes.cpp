// How many primes there are below a limit: a long `map` on threads, with a progress bar.
//
//     count_primes            below 1 000 000 000
//     count_primes LIMIT
//
// The limit is cut into slices; each is a job. Their results come in order, while only a few slices are on their way at
// any time, so that a greater limit takes more time but no more memory. The bar is drawn between two results; it needs
// no thread and no timer of its own.

#include "progress.hpp"

#include <green/green.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ranges>
#include <vector>

namespace {

constexpr std::uint64_t slice = 1'000'000;

using numbers = std::vector<std::uint64_t>;

/// How many primes there are in [first, last): a sieve of Eratosthenes of that part alone. `small` are
/// the primes up to the square root of `last`, at least.
std::uint64_t primes_between(std::uint64_t first, std::uint64_t last, const numbers& small) {
    std::vector<char> composite(last - first);
    for (std::uint64_t n = first; n < std::min<std::uint64_t>(last, 2); ++n)
        composite[n - first] = 1;
    for (std::uint64_t const p : small) {
        std::uint64_t const multiple = std::max(p * p, (first + p - 1) / p * p);
        for (std::uint64_t n = multiple; n < last; n += p) composite[n - first] = 1;
    }
    return static_cast<std::uint64_t>(std::count(composite.begin(), composite.end(), 0));
}

/// The primes p with p * p < limit.
numbers small_primes(std::uint64_t limit) {
    numbers primes;
    for (std::uint64_t n = 2; n * n < limit; ++n) {
        bool const composite = std::any_of(primes.begin(), primes.end(), [n](std::uint64_t p) {
            return n % p == 0;
        });
        if (!composite) primes.push_back(n);
    }
    return primes;
}

green::task<> count_below(std::uint64_t limit) {
    std::uint64_t const slices = (limit + slice - 1) / slice;
    numbers const small = small_primes(limit);
    auto const count = [&small, limit](std::uint64_t i) {
        return primes_between(i * slice, std::min((i + 1) * slice, limit), small);
    };
    std::uint64_t total = 0;
    {
        green::thread_executor pool;
        progress_bar bar("counting", slices);
        auto counts = pool.map(count, std::views::iota(std::uint64_t{0}, slices));
        while (auto primes = co_await counts.next()) {
            total += *primes;
            bar.advance();
        }
    }
    std::printf(
        "%llu primes below %llu\n", static_cast<unsigned long long>(total),
        static_cast<unsigned long long>(limit)
    );
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t const limit = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000'000;
    return green::run_main([&] { return count_below(limit); }, argc, argv);
}
