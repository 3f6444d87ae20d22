// Four sums of very different lengths on threads: once all waited for, once taken as they come.
//
// From a tutorial on concurrent.futures: `wait` gives what is done and what is not after the time limit,
// `as_completed` each as soon as it is done.

#include <green/green.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

using namespace std::chrono_literals;

namespace {

std::int64_t sum_to(std::int64_t n) {
    std::int64_t sum = 0;
    for (std::int64_t i = 1; i <= n; ++i) sum += i;
    return sum;
}

std::vector<green::future<std::int64_t>> submit_all(green::thread_executor& pool) {
    std::vector<green::future<std::int64_t>> sums;
    for (std::int64_t const n : {100'000, 1'000'000, 10'000'000, 100'000'000}) {
        sums.push_back(pool.submit(sum_to, n));
    }
    return sums;
}

green::task<> all_at_once(green::thread_executor& pool) {
    green::wait_options options;
    options.timeout = 7s;
    auto const sums = co_await green::wait(submit_all(pool), options);
    std::printf("done: %zu, not done: %zu\n", sums.done.size(), sums.not_done.size());
    for (auto const& sum : sums.done) std::printf("%lld\n", static_cast<long long>(sum.result()));
}

green::task<> as_they_come(green::thread_executor& pool) {
    auto sums = green::as_completed(submit_all(pool), 7s);
    std::int64_t total = 0;
    for (;;) {
        auto const sum = co_await sums.next();
        if (!sum) break;
        total += sum->result();
    }
    std::printf("all of them: %lld\n", static_cast<long long>(total));
}

green::task<> amain() {
    green::thread_executor pool;
    co_await all_at_once(pool);
    co_await as_they_come(pool);
}

}  // namespace

int main() { green::run(amain()); }
