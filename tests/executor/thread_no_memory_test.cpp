#include "support/catch.hpp"
#include "support/standard_error.hpp"

#include <green/executor/thread_executor.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <latch>
#include <memory>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

// A thread_executor where memory runs out.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GREEN_TEST_OWN_NEW 0  // its operator new stands beside no other
#endif
#endif
#ifndef GREEN_TEST_OWN_NEW
#define GREEN_TEST_OWN_NEW 1
#endif

#if GREEN_TEST_OWN_NEW

using namespace green;

namespace {

/// Calls of operator new on this thread that still succeed; below 0: all.
thread_local int news_left = -1;

/// No call of operator new on this thread succeeds.
thread_local bool no_news = false;

/// While it lives, `n` more calls of operator new on this thread succeed, and one fails.
class failing_new {
public:
    explicit failing_new(int n) noexcept { news_left = n; }
    failing_new(const failing_new&) = delete;
    failing_new& operator=(const failing_new&) = delete;
    ~failing_new() { news_left = -1; }
    bool has_failed() const noexcept { return news_left < 0; }
};

}  // namespace

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    bool const fails = no_news || (news_left >= 0 && news_left-- == 0);
    return fails ? nullptr : std::malloc(size);
}
void* operator new(std::size_t size) {
    void* const p = operator new(size, std::nothrow);
    if (!p) throw std::bad_alloc();
    return p;
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

TEST_CASE("thread_executor: a submit without memory leaves nothing behind", "[thread_pool]") {
    bool failed = true;
    for (int n = 0; failed; ++n) {
        INFO("after " << n << " allocations");
        std::atomic<int> runs{0};
        thread_executor pool(1);
        bool threw = false;
        {
            failing_new const limit(n);
            try {
                pool.submit([&runs] { ++runs; });
            } catch (const std::bad_alloc&) {
                threw = true;
            } catch (const executor_error&) {  // the thread could not be started
                threw = true;
            }
            failed = limit.has_failed();
        }
        REQUIRE(threw == failed);
        pool.submit([] {}).result();
        REQUIRE(runs == (threw ? 0 : 1));
        REQUIRE(pool.stats().submitted == (threw ? 1U : 2U));
    }
}

TEST_CASE("thread_executor: it ends without memory", "[thread_pool]") {
    auto const grace = GENERATE(std::chrono::nanoseconds(0), forever);
    std::latch begun(2);
    std::vector<future<bool>> running;
    std::vector<future<void>> queued;
    auto pool = std::make_unique<thread_executor>(
        thread_executor_options{.max_workers = 2, .shutdown_grace = grace}
    );
    for (int i = 0; i < 2; ++i) {
        running.push_back(pool->submit([&](std::stop_token stop) {
            begun.count_down();
            while (!stop.stop_requested()) std::this_thread::yield();
            return true;
        }));
    }
    begun.wait();
    for (int i = 0; i < 3; ++i) queued.push_back(pool->submit([] {}));
    std::string const report = green_test::stderr_of([&] {
        no_news = true;
        pool->shutdown({.wait = false, .stop_running = grace == forever});
        pool.reset();
        no_news = false;
    });
    for (auto& f : running) CHECK(f.result());
    for (auto& f : queued) CHECK(f.cancelled());
    REQUIRE(
        report ==
        (grace == forever ? "" : "green: thread_executor: left behind, still running: a job a job\n"
        )
    );
}

#endif
