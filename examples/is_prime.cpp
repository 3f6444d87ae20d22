// is_prime, with its border cases, as jobs on a thread executor.
//
// From a Python tutorial on process pools. Its first version takes 1 for a prime and fails for negative numbers; the
// guards for n < 2 and n == 2 are what the small cases below are for. The results come in the order of
// the numbers, whichever job ends first.

#include <green/green.hpp>

#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

namespace {

bool is_prime(std::int64_t n) {
    if (n < 2) return false;
    if (n == 2) return true;
    if (n % 2 == 0) return false;
    for (std::int64_t i = 3; i * i <= n; i += 2) {
        if (n % i == 0) return false;
    }
    return true;
}

green::task<> amain() {
    green::thread_executor pool;
    std::vector<std::pair<std::int64_t, green::future<bool>>> jobs;
    for (std::int64_t n : {-1, 0, 1, 2, 3, 4, 9, 25, 97, 7919, 7921, 2147483647}) {
        jobs.emplace_back(n, pool.submit(is_prime, n));
    }
    for (auto const& [n, job] : jobs) {
        bool const prime = co_await job;
        std::printf("%lld is prime: %s\n", static_cast<long long>(n), prime ? "True" : "False");
    }
}

}  // namespace

int main() { green::run(amain()); }
