// Four sums of very different lengths on threads: all waited for, taken as they come, and one too many.
//
// From a tutorial on concurrent.futures: `wait` gives what is done and what is not after the time limit,
// `as_completed` each as soon as it is done. There the limit never shows, because the pool is left, and with
// it every job awaited, before it is asked. Here the pool is still open: the last part has a sum without
// an end, which is not done after its limit and is then told to stop.

#include <green/green.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stop_token>
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
    for (;;) {
        auto const sum = co_await sums.next();
        if (!sum) break;
        std::printf("%lld\n", static_cast<long long>(sum->result()));
    }
}

/// Adds until it is told to stop, and gives what it has got to.
std::int64_t sum_without_end(const std::stop_token& stop) {
    std::int64_t sum = 0;
    for (std::int64_t i = 1; !stop.stop_requested(); ++i) sum += i % 2;
    return sum;
}

green::task<> beyond_the_limit(green::thread_executor& pool) {
    std::vector<green::future<std::int64_t>> const sums{
        pool.submit(sum_to, 100'000), pool.submit(sum_without_end)
    };
    green::wait_options options;
    options.timeout = 500ms;
    auto const [done, not_done] = co_await green::wait(sums, options);
    std::printf("done: %zu, not done: %zu\n", done.size(), not_done.size());
    for (auto sum : not_done) {
        sum.cancel();  // it runs: it is asked
        std::printf("it got to %s\n", co_await sum > 0 ? "something" : "nothing");
    }
}

green::task<> amain() {
    green::thread_executor pool;
    co_await all_at_once(pool);
    std::printf("as they come:\n");
    co_await as_they_come(pool);
    co_await beyond_the_limit(pool);
}

}  // namespace

int main() { green::run(amain()); }
