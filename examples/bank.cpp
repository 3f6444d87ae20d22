// Customers at the counters of a bank: N customers at k counters of t minutes each are through after
// ceil(N / k) * t minutes.
//
// Tutorials explain a pool of workers with this picture. The counters are a semaphore. Every customer is a green
// task that waits for a free counter, first come, first served. The clock is virtual: an afternoon at the bank
// takes no time, and its times are exact.

#include <green/green.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

namespace {

constexpr int customers = 10;
constexpr auto service = 5min;

green::task<> customer(green::semaphore& counters) {
    auto const counter = co_await counters.acquire();
    co_await green::sleep_for(service);
}

/// How long the bank takes for all customers.
green::task<std::chrono::nanoseconds> afternoon(std::size_t counter_count) {
    green::semaphore counters(counter_count);
    auto const start = green::now();
    co_await green::with_group([&](green::task_group& g) -> green::task<> {
        for (int i = 0; i < customers; ++i) g.spawn(customer(counters));
        co_return;
    });
    co_return green::now() - start;
}

green::task<> compare() {
    for (int counters = 1; counters <= 5; ++counters) {
        auto const took = co_await afternoon(static_cast<std::size_t>(counters));
        auto const formula = (customers + counters - 1) / counters * service;
        std::printf(
            "%d customers, k = %d: %lld min%s\n", customers, counters,
            static_cast<long long>(took / 1min), took == formula ? "" : ", which is wrong"
        );
    }
}

}  // namespace

int main() { green::run(compare(), {.virtual_time = true}); }
