// Which of six large numbers are prime, on processes and then one after the other, with the time of both.
//
// From a tutorial on multitasking: "parallel processing begins", "time of parallel processing", "time of serial
// processing". What is gained depends on the processors: at best as many times as there are, and the longest job is a
// limit too. The workers are started before the clock is. amdahl.cpp looks into that. Where there are two processors
// nothing gained is a failure; a machine may be busy, so that takes ten attempts in a row.
//
//     병렬처리 시작
//     112272535095293 is prime: True
//     …
//     병렬처리 수행 시각 0.069959 s
//     …
//     단일처리 수행 시각 0.123187 s
//     speed-up 1.76

#include <green/green.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>

namespace {

using steady_clock = std::chrono::steady_clock;

constexpr std::array<std::int64_t, 6> numbers{112272535095293, 112582705942171, 112272535095293,
                                              115280095190773, 115797848077099, 1099726899285419};

bool is_prime(std::int64_t n) {
    if (n < 2) return false;
    if (n == 2) return true;
    if (n % 2 == 0) return false;
    for (std::int64_t i = 3; i * i <= n; i += 2) {
        if (n % i == 0) return false;
    }
    return true;
}

void print(std::int64_t n, bool prime) {
    std::printf("%lld is prime: %s\n", static_cast<long long>(n), prime ? "True" : "False");
}

double seconds_since(steady_clock::time_point start) {
    return std::chrono::duration<double>(steady_clock::now() - start).count();
}

/// How long it takes on processes.
green::task<double> in_parallel() {
    green::process_executor pool;
    co_await pool.warm();
    std::printf("병렬처리 시작\n");
    auto const start = steady_clock::now();
    auto results = pool.map(is_prime, numbers);
    for (std::int64_t const n : numbers) {
        auto const prime = co_await results.next();
        print(n, *prime);
    }
    double const took = seconds_since(start);
    co_await pool.close();
    co_return took;
}

double one_after_the_other() {
    auto const start = steady_clock::now();
    for (std::int64_t const n : numbers) print(n, is_prime(n));
    return seconds_since(start);
}

double speed_up() {
    double const parallel = green::run(in_parallel());
    std::printf("병렬처리 수행 시각 %f s\n", parallel);
    double const serial = one_after_the_other();
    std::printf("단일처리 수행 시각 %f s\n", serial);
    return serial / parallel;
}

}  // namespace

int main() {
    double best = 0;
    for (int attempt = 0; attempt < 10 && best <= 1; ++attempt) {
        double const gained = speed_up();
        std::printf("speed-up %.2f\n", gained);
        best = std::max(best, gained);
    }
    bool const could_be = green::process_executor().max_workers() > 1;
    return best > 1 || !could_be ? 0 : 1;
}
