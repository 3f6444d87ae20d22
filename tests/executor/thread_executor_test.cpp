#include <green/executor/thread_executor.hpp>

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/executor/promise.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <pthread.h>

using namespace green;
using namespace std::chrono_literals;

namespace {

int square(int x) { return x * x; }

struct account {
    int money = 0;
    int balance() const { return money; }
};

/// Fills the workers until it is opened.
struct gate {
    std::binary_semaphore open{0};
    void pass() { open.acquire(); }
};

/// Its destructor says that it has come, and waits.
class slow_to_end {
public:
    explicit slow_to_end(gate& may_end) noexcept : may_end_(&may_end) {}
    slow_to_end(slow_to_end&& o) noexcept : may_end_(std::exchange(o.may_end_, nullptr)) {}
    slow_to_end& operator=(slow_to_end&&) = delete;
    ~slow_to_end() {
        if (!may_end_) return;
        ending.release();
        may_end_->pass();
    }

    static inline std::binary_semaphore ending{0};

private:
    gate* may_end_;
};

}  // namespace

// conformance 53
TEST_CASE(
    "thread_executor: never more jobs at once than workers, and as many", "[thread_executor]"
) {
    thread_executor pool(3);
    std::atomic<int> now{0};
    std::atomic<int> most{0};
    std::latch all_there(3);
    std::vector<future<void>> jobs;
    for (int i = 0; i < 30; ++i) {
        jobs.push_back(pool.submit([&, i] {
            int const n = ++now;
            for (int seen = most; n > seen && !most.compare_exchange_weak(seen, n);) {}
            if (i < 3) all_there.arrive_and_wait();
            --now;
        }));
    }
    for (auto& j : jobs) j.result();
    REQUIRE(most == 3);
}

// conformance 46
TEST_CASE("thread_executor: the closure dies before the result is there", "[thread_executor]") {
    thread_executor pool(1);
    auto token = std::make_shared<int>(1);
    std::weak_ptr<int> const watch = token;
    auto f = pool.submit([token = std::move(token)] { return *token; });
    REQUIRE(f.result() == 1);
    REQUIRE(watch.expired());
}

TEST_CASE(
    "thread_executor: a member function is callable, as for std::invoke", "[thread_executor]"
) {
    thread_executor pool(1);
    account const mine{7};
    REQUIRE(pool.submit(&account::balance, &mine).result() == 7);
    REQUIRE(pool.submit(&account::money, std::cref(mine)).result() == 7);
}

TEST_CASE("thread_executor: cancel of a queued and of a running job", "[thread_executor]") {
    gate g;
    thread_executor pool(1);
    std::latch begun(1);
    auto running = pool.submit([&](std::stop_token stop) {
        begun.count_down();
        g.pass();
        return stop.stop_requested();
    });
    auto queued = pool.submit(square, 3);
    begun.wait();
    REQUIRE(queued.cancel());
    REQUIRE_FALSE(running.cancel());  // asked only
    g.open.release();
    REQUIRE(running.result());  // it saw the request
    REQUIRE_THROWS_AS(queued.result(), cancelled_error);
}

TEST_CASE(
    "thread_executor: a cancelled job's closure dies before the cancel can be seen",
    "[thread_executor]"
) {
    gate first;
    gate end;
    thread_executor pool(1);
    pool.submit([&first] { first.pass(); });
    auto queued = pool.submit([held = slow_to_end(end)] {});
    std::jthread const canceller([&queued] { queued.cancel(); });
    slow_to_end::ending.acquire();
    CHECK_FALSE(queued.done());
    CHECK_FALSE(queued.cancelled());
    CHECK_FALSE(queued.try_result_for(1ms));
    CHECK(queued.cancel());
    end.open.release();
    REQUIRE_THROWS_AS(queued.result(), cancelled_error);
    first.open.release();
}

TEST_CASE(
    "thread_executor: a job that a worker has just taken can be cancelled, with its closure",
    "[thread_executor]"
) {
    gate first;
    gate end;
    auto token = std::make_shared<int>(1);
    std::weak_ptr<int> const watch = token;
    thread_executor pool(1);
    // The worker drops it when it has the next job, and has not begun with that.
    pool.submit([&] {
        first.pass();
        return slow_to_end(end);
    });
    auto taken = pool.submit([token = std::move(token)] {});
    first.open.release();
    slow_to_end::ending.acquire();
    CHECK(taken.cancel());
    CHECK(taken.cancelled());
    CHECK(watch.expired());
    end.open.release();
    pool.shutdown();
    REQUIRE(pool.stats().cancelled == 1);
}

TEST_CASE("thread_executor: the system sees the threads' names", "[thread_executor]") {
    thread_executor pool({.max_workers = 1, .thread_name_prefix = "crunch"});
    auto f = pool.submit([] {
        char name[16] = {};
        // The name is set by the thread that started this one, perhaps a moment later.
        for (int i = 0; i < 1000 && std::string(name) != "crunch-1"; ++i) {
            pthread_getname_np(pthread_self(), name, sizeof name);
            std::this_thread::yield();
        }
        return std::string(name);
    });
    REQUIRE(f.result() == "crunch-1");
}

TEST_CASE("thread_executor: a job submits a job", "[thread_executor]") {
    thread_executor pool(2);
    auto outer = pool.submit([&] { return pool.submit(square, 5); });
    REQUIRE(outer.result().result() == 25);
}

// conformance 280
GREEN_TEST(
    "thread_executor: virtual time stands still while a job is in flight", "[thread_executor]"
) {
    thread_executor pool(1);
    gate g;
    auto timer = spawn(sleep_for(1h));
    std::thread opener([&] { g.open.release(); });
    co_await pool.run([&] { g.pass(); });
    REQUIRE_FALSE(timer.done());
    REQUIRE(green_test::elapsed() == 0ms);
    opener.join();
}

// conformance 56
GREEN_TEST_REAL_CLOCK(
    "thread_executor: run() waits for a running job when it is cancelled", "[thread_executor]"
) {
    thread_executor pool(1);
    promise<bool> begun;
    bool local = false;  // the job refers to it: run() must not leave before
    auto h = spawn([&]() -> task<> {
        co_await pool.run([&](std::stop_token stop) {
            begun.set_value(stop.stop_requested());
            while (!stop.stop_requested()) std::this_thread::yield();
            local = true;
        });
        co_await yield();
    });
    bool const asked_too_early = co_await begun.get_future();
    h.cancel();
    co_await h.join();
    REQUIRE_FALSE(asked_too_early);
    REQUIRE(local);
    REQUIRE(h.cancelled());
}

GREEN_TEST_REAL_CLOCK(
    "thread_executor: run() drops a queued job when it is cancelled", "[thread_executor]"
) {
    thread_executor pool(1);
    gate g;
    auto blocker = pool.submit([&] { g.pass(); });
    bool ran = false;
    auto h = spawn([&]() -> task<> { co_await pool.run([&] { ran = true; }); });
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    g.open.release();
    co_await blocker;
    co_await pool.submit(square, 1);
    REQUIRE_FALSE(ran);
}

GREEN_TEST("thread_executor: a move-only result", "[thread_executor]") {
    thread_executor pool(1);
    auto p = co_await pool.run([] { return std::make_unique<int>(3); });
    REQUIRE(*p == 3);
}

TEST_CASE(
    "thread_executor: several loops on threads of their own share a pool", "[thread_executor]"
) {
    thread_executor pool(2);
    std::vector<std::thread> loops;
    std::atomic<int> sum{0};
    for (int t = 0; t < 4; ++t) {
        loops.emplace_back([&] {
            sum += run([&]() -> task<int> {
                int n = 0;
                for (int i = 0; i < 50; ++i) n += co_await pool.run(square, 2);
                co_return n;
            });
        });
    }
    for (auto& t : loops) t.join();
    REQUIRE(sum == 4 * 50 * 4);
}
