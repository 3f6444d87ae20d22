// Which of six large numbers are prime: the example of Python's concurrent.futures, on processes.
//
// `map` gives the results in the order of the numbers, whichever worker is done first. A job is a plain function; what it
// takes and gives is sent between the processes.

#include <green/green.hpp>

#include <cstdint>
#include <cstdio>
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
    std::vector<std::int64_t> const numbers{112272535095293, 112582705942171, 112272535095293,
                                            115280095190773, 115797848077099, 1099726899285419};
    green::process_executor pool;
    auto results = pool.map(is_prime, numbers);
    for (std::int64_t const n : numbers) {
        auto const prime = co_await results.next();
        std::printf("%lld is prime: %s\n", static_cast<long long>(n), *prime ? "True" : "False");
    }
}

}  // namespace

int main() { green::run(amain()); }
