#include "support/standard_error.hpp"
#include "support/text.hpp"
#include "support/waits.hpp"

#include <green/core/processor.hpp>
#include <green/executor/promise.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/executor/wait.hpp>
#include <green/loop/run.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <fstream>
#include <latch>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <pthread.h>
#include <unistd.h>

// The threads of a thread_executor and its queue.

using namespace green;
using namespace std::chrono_literals;

namespace {

int square(int x) { return x * x; }

/// Holds one worker as long as it lives.
class blocker {
public:
    explicit blocker(thread_executor& pool) {
        pool.submit([door = door_] {
            door->begun.release();
            door->open.acquire();
        });
        door_->begun.acquire();
    }
    blocker(const blocker&) = delete;
    blocker& operator=(const blocker&) = delete;
    ~blocker() { door_->open.release(); }

private:
    struct door {
        std::binary_semaphore begun{0};
        std::binary_semaphore open{0};
    };
    std::shared_ptr<door> door_ = std::make_shared<door>();
};

void wait_for_idle(const thread_executor& pool) {
    while (pool.stats().idle == 0 || pool.stats().running > 0) std::this_thread::yield();
}

task<> close(thread_executor& pool) { co_await pool.close(); }

}  // namespace

// conformance 30
TEST_CASE("thread_executor: an idle thread is used again", "[thread_pool]") {
    thread_executor pool(8);
    for (int i = 0; i < 20; ++i) {
        REQUIRE(pool.submit(square, i).result() == i * i);
        wait_for_idle(pool);
    }
    executor_stats const s = pool.stats();
    REQUIRE(s.workers_started == 1);
    REQUIRE(s.submitted == 20);
    REQUIRE(s.finished == 20);
    REQUIRE(s.queued == 0);
    REQUIRE(s.max_workers == 8);
}

TEST_CASE("thread_executor: idle threads end after a while, and come back", "[thread_pool]") {
    thread_executor pool({.max_workers = 3, .keep_alive = 1ms});
    for (int round = 0; round < 3; ++round) {
        std::vector<future<int>> jobs;
        for (int i = 0; i < 50; ++i) jobs.push_back(pool.submit(square, i));
        blocking_wait(jobs);
        while (pool.stats().workers > 0) std::this_thread::yield();
    }
    REQUIRE(pool.stats().workers_started >= 3);
    REQUIRE(pool.stats().finished == 150);
}

TEST_CASE("thread_executor: the greatest priority first, in order within it", "[thread_pool]") {
    thread_executor pool(1);
    std::string order;
    {
        blocker const b(pool);
        auto const note = [&order](char c) { order += c; };
        pool.submit({.priority = -1}, note, 'g');
        pool.submit(note, 'd');
        pool.submit({.priority = 7}, note, 'b');
        pool.submit(note, 'e');
        pool.submit({.priority = 9}, note, 'a');
        pool.submit({.priority = 7}, note, 'c');
        auto dropped = pool.submit({.priority = 8}, note, '?');
        REQUIRE(dropped.cancel());
        pool.submit(note, 'f');
    }
    pool.shutdown();
    REQUIRE(order == "abcdefg");
}

TEST_CASE("thread_executor: a cancelled job lets go at once of what it holds", "[thread_pool]") {
    thread_executor pool(1);
    blocker const b(pool);
    auto token = std::make_shared<int>(1);
    std::weak_ptr<int> const watch = token;
    std::vector<future<int>> jobs;
    for (int i = 0; i < 3; ++i) jobs.push_back(pool.submit([token] { return *token; }));
    token.reset();
    for (auto& j : jobs) {
        REQUIRE_FALSE(watch.expired());
        REQUIRE(j.cancel());
    }
    REQUIRE(watch.expired());
    REQUIRE(pool.stats().queued == 0);
    REQUIRE(pool.stats().cancelled == 3);
}

TEST_CASE("thread_executor: threads cancel and run the same jobs", "[thread_pool]") {
    std::atomic<int> ran{0};
    int cancelled = 0;
    {
        thread_executor pool(2);
        for (int i = 0; i < 3000; ++i) {
            auto f = pool.submit([&ran] { ++ran; });
            if (i % 3 == 0) std::this_thread::yield();
            if (f.cancel()) ++cancelled;
        }
    }
    REQUIRE(ran + cancelled == 3000);
}

// Workers go to sleep, and away, while jobs come: one that nobody came for would hang this test.
TEST_CASE("thread_executor: no job is left lying", "[thread_pool]") {
    auto const rounds = GENERATE(1, 3, 50);
    thread_executor pool({.max_workers = 2, .keep_alive = 50us, .spin = rounds == 3 ? 10us : 0us});
    std::atomic<int> sum{0};
    auto const client = [&] {
        std::vector<future<int>> jobs;
        for (int i = 0; i < 1000; ++i) {
            for (int k = 0; k < rounds; ++k) jobs.push_back(pool.submit(square, 1));
            for (auto& j : jobs) sum += j.result();
            jobs.clear();
        }
    };
    std::thread other(client);
    client();
    other.join();
    REQUIRE(sum == 2 * 1000 * rounds);
}

namespace {

/// The threads of a pool, all of which are there.
std::vector<pid_t> threads_of(thread_executor& pool) {
    auto const n = static_cast<std::ptrdiff_t>(pool.max_workers());
    std::latch together(n);
    std::vector<future<pid_t>> jobs;
    for (std::ptrdiff_t i = 0; i < n; ++i) {
        jobs.push_back(pool.submit([&together] {
            together.arrive_and_wait();
            return ::gettid();
        }));
    }
    std::vector<pid_t> ids;
    for (auto& j : jobs) ids.push_back(j.result());
    return ids;
}

/// How often a thread has gone to sleep.
long sleeps_of(pid_t thread) {
    std::ifstream status("/proc/self/task/" + std::to_string(thread) + "/status");
    long n = 0;
    for (std::string word; status >> word;) {
        if (word == "voluntary_ctxt_switches:") status >> n;
    }
    return n;
}

/// Its processor time.
std::chrono::nanoseconds time_of(pid_t thread) {
    std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/schedstat");
    long long ns = 0;
    file >> ns;
    return std::chrono::nanoseconds(ns);
}

}  // namespace

TEST_CASE("thread_executor: a job wakes one of many idle threads", "[thread_pool]") {
    constexpr int jobs = 10'000;
    thread_executor pool(8);
    auto const threads = threads_of(pool);
    auto const sleeps = [&threads] {
        long n = 0;
        for (pid_t const t : threads) n += sleeps_of(t);
        return n;
    };
    long const before = sleeps();
    for (int i = 0; i < jobs; ++i) pool.submit(square, i).result();
    long const one_by_one = sleeps() - before;
    std::vector<future<int>> burst;
    for (int i = 0; i < jobs; ++i) burst.push_back(pool.submit(square, i));
    blocking_wait(burst);
    long const at_once = sleeps() - before - one_by_one;
    // Eight times as many if all woke. Some sleep for a lock.
    REQUIRE(one_by_one < 3L * jobs);
    REQUIRE(at_once < 3L * jobs);
}

TEST_CASE("thread_executor: one idle thread spins at most", "[thread_pool]") {
    std::chrono::nanoseconds const spin = GENERATE(std::chrono::nanoseconds(1h), forever);
    thread_executor pool({.max_workers = 2, .spin = spin});
    auto const threads = threads_of(pool);
    for (int round = 0; round < 5; ++round) {
        std::array<std::chrono::nanoseconds, 2> const before{
            time_of(threads[0]), time_of(threads[1])
        };
        std::this_thread::sleep_for(40ms);
        int spun = 0;
        for (std::size_t i = 0; i < 2; ++i) spun += time_of(threads[i]) - before[i] > 5ms;
        REQUIRE(spun <= 1);
        REQUIRE(pool.submit(square, round).result() == round * round);
    }
}

// conformance 48
TEST_CASE("thread_executor: resize, to 0 and back", "[thread_pool]") {
    thread_executor pool(2);
    REQUIRE(pool.submit(square, 3).result() == 9);
    pool.resize(0);
    while (pool.stats().workers > 0) std::this_thread::yield();
    std::vector<future<int>> jobs;
    for (int i = 0; i < 10; ++i) jobs.push_back(pool.submit(square, i));
    REQUIRE(pool.stats().queued == 10);
    std::latch together(3);
    for (int i = 0; i < 3; ++i) pool.submit([&] { together.arrive_and_wait(); });
    pool.resize(3);
    together.wait();  // all three are there at once
    REQUIRE(blocking_wait(jobs).done.size() == 10);
    pool.resize(1);
    while (pool.stats().workers > 1) std::this_thread::yield();
    REQUIRE(pool.submit(square, 3).result() == 9);
    pool.resize(0);
    auto last = pool.submit(square, 4);
    pool.shutdown();  // works off what is queued all the same
    REQUIRE(last.result() == 16);
}

TEST_CASE("thread_executor: resize while a job waits for another one", "[thread_pool]") {
    std::latch resized(1);
    std::latch queued(1);
    thread_executor pool(2);
    auto busy = pool.submit([&] { resized.wait(); });
    while (!busy.running()) std::this_thread::yield();
    auto outer = pool.submit([&] {
        auto const inner = pool.submit(square, 3);
        queued.count_down();
        return inner.result();
    });
    queued.wait();
    pool.resize(1);  // of the two the one that does not wait stays
    resized.count_down();
    REQUIRE(outer.result() == 9);
    while (pool.stats().workers > 1) std::this_thread::yield();
    REQUIRE(pool.submit(square, 4).result() == 16);
}

TEST_CASE("thread_executor: each thread has a name of its own", "[thread_pool]") {
    std::mutex mutex;
    std::vector<std::string> names;
    std::latch together(4);
    thread_executor_options options;
    options.max_workers = 4;
    thread_executor pool(options, [&] {
        std::array<char, 16> name{};
        pthread_getname_np(pthread_self(), name.data(), name.size());
        std::lock_guard const lock(mutex);
        names.emplace_back(name.data());
    });
    for (int i = 0; i < 4; ++i) pool.submit([&] { together.arrive_and_wait(); });
    together.wait();
    std::sort(names.begin(), names.end());
    REQUIRE(std::unique(names.begin(), names.end()) == names.end());
}

// conformance 44
TEST_CASE("thread_executor: every thread is initialized before its first job", "[thread_pool]") {
    static thread_local int initialized = 0;
    std::atomic<int> calls{0};
    std::atomic<bool> all_once{true};
    {
        std::latch together(3);
        thread_executor pool({.max_workers = 3}, [&calls] {
            ++calls;
            ++initialized;
        });
        for (int i = 0; i < 30; ++i) {
            pool.submit([&, i] {
                if (i < 3) together.arrive_and_wait();
                if (initialized != 1) all_once = false;
            });
        }
    }
    REQUIRE(calls == 3);
    REQUIRE(all_once);
}

// conformance 45, 66
TEST_CASE("thread_executor: an initializer that throws breaks it", "[thread_pool]") {
    std::latch queued(1);
    thread_executor pool({.max_workers = 2}, [&queued] {
        queued.wait();
        throw std::runtime_error("no licence (on stderr on purpose)");
    });
    auto first = pool.submit(square, 1);
    auto second = pool.submit(square, 2);
    std::string const report = green_test::stderr_of([&] {
        queued.count_down();
        first.exception();
        second.exception();
    });
    REQUIRE(green_test::contains(report, "the initializer of a worker failed: no licence"));
    REQUIRE_THROWS_AS(first.result(), broken_executor);
    REQUIRE_THROWS_AS(second.result(), broken_executor);
    REQUIRE_THROWS_AS(pool.submit(square, 1), broken_executor);
    REQUIRE(
        green_test::error_of<executor_error>([&] { first.result(); }) ==
        "thread_executor: the initializer of a worker failed: no licence (on stderr on purpose); "
        "the executor is of no use any more"
    );
    REQUIRE(first.exception() != second.exception());
}

TEST_CASE("thread_executor: a job that is late is asked, and gets timeout_error", "[thread_pool]") {
    thread_executor pool(2);
    auto const until_asked = [](const std::stop_token& stop) {
        while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
        return 1;
    };
    auto late = pool.submit({.deadline = 5ms, .name = "slow"}, until_asked);
    auto in_time = pool.submit({.deadline = 1h}, square, 3);
    auto deaf = pool.submit({.deadline = 1ms}, [] {
        std::this_thread::sleep_for(3ms);
        throw std::runtime_error("dropped");
    });
    REQUIRE(in_time.result() == 9);
    REQUIRE(green_test::error_of<timeout_error>([&] {
                late.result();
            }) == "thread_executor: job 'slow' took longer than its deadline of 5 ms");
    REQUIRE_THROWS_AS(deaf.result(), timeout_error);
}

// --- the end

// conformance 62
TEST_CASE("thread_executor: a shutdown that does not wait for ever", "[thread_pool]") {
    std::binary_semaphore asked{0};
    std::binary_semaphore begun{0};
    std::binary_semaphore ended{0};
    future<int> queued;
    std::string const report = green_test::stderr_of([&] {
        thread_executor pool({.max_workers = 1, .shutdown_grace = 0s});
        pool.submit({.name = "stubborn"}, [&](const std::stop_token& stop) {
            begun.release();
            while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
            asked.acquire();
            ended.release();
        });
        queued = pool.submit(square, 2);
        begun.acquire();
    });  // returns although the job runs on
    REQUIRE(queued.cancelled());
    asked.release();
    ended.acquire();
    REQUIRE(report == "green: thread_executor: left behind, still running: 'stubborn'\n");
}

TEST_CASE("thread_executor: what is left behind is not waited for later either", "[thread_pool]") {
    auto const door = std::make_shared<std::counting_semaphore<>>(0);
    auto const done = std::make_shared<std::counting_semaphore<>>(0);
    std::string const report = green_test::stderr_of([&] {
        std::counting_semaphore<> begun{0};
        thread_executor pool(2);
        auto const deaf = [door, done, &begun] {
            begun.release();
            door->acquire();
            done->release();
        };
        pool.submit({.name = "deaf"}, deaf);
        begun.acquire();
        pool.submit(deaf);
        begun.acquire();
        pool.shutdown({.grace = 1ms});
        pool.shutdown();
        run(close(pool));
    });
    door->release(2);
    done->acquire();
    done->acquire();
    REQUIRE(green_test::contains(report, "left behind, still running: "));
    REQUIRE(green_test::contains(report, " 'deaf'"));
    REQUIRE(green_test::contains(report, " a job"));
    REQUIRE(std::count(report.begin(), report.end(), '\n') == 1);
}

TEST_CASE("thread_executor: a shutdown within its grace", "[thread_pool]") {
    thread_executor pool(1);
    auto job = pool.submit(square, 2);
    pool.shutdown({.grace = 1h});
    REQUIRE(job.result() == 4);
}

TEST_CASE("thread_executor: shut down and destroyed by one of its jobs", "[thread_pool]") {
    auto pool = std::make_unique<thread_executor>(2);
    std::latch ready(1);
    auto job = pool->submit([&] {
        ready.wait();
        pool->shutdown();
        pool.reset();
        return 7;
    });
    auto other = pool->submit(square, 3);
    ready.count_down();
    REQUIRE(job.result() == 7);
    REQUIRE(other.result() == 9);
}

namespace {

/// A result whose `moves_left`-th move fails.
struct fragile {
    explicit fragile(int n) : moves_left(n) {}
    fragile(fragile&& o) : moves_left(o.moves_left - 1) {
        if (moves_left < 0) throw std::runtime_error("cannot be moved");
    }
    fragile& operator=(fragile&&) = delete;
    int moves_left;
};

}  // namespace

TEST_CASE("thread_executor: a result that cannot be moved is a failure", "[thread_pool]") {
    thread_executor pool(1);
    int failures = 0;
    for (int moves = 0; moves < 6; ++moves) {
        auto f = pool.submit([moves] { return fragile(moves); });
        failures += f.exception() != nullptr;
    }
    REQUIRE(failures > 0);
    REQUIRE(failures < 6);
}

// --- jobs that wait for jobs

TEST_CASE("thread_executor: a job that waits for what can never run", "[thread_pool]") {
    thread_executor pool(1);
    auto outer = pool.submit([&] { return pool.submit(square, 5).result(); });
    REQUIRE(
        green_test::error_of<std::logic_error>([&] { outer.result(); }) ==
        "green: deadlock: every thread of this thread_executor waits for a job of it, and none is "
        "left to run one"
    );
    auto in_time = pool.submit([&] { return pool.submit(square, 5).result(1ms); });
    REQUIRE_THROWS_AS(in_time.result(), timeout_error);  // not for ever, so no deadlock
    promise<future<int>> own;
    auto itself = pool.submit([f = own.get_future()] { return f.result().result(); });
    own.set_value(itself);
    REQUIRE(green_test::error_of<std::logic_error>([&] {
                itself.result();
            }) == "green: deadlock: a job of a thread_executor waits for itself");
}

TEST_CASE("thread_executor: a job that waits for several that can never run", "[thread_pool]") {
    auto const mode = GENERATE(
        return_when::first_completed, return_when::first_exception, return_when::all_completed
    );
    thread_executor pool(1);
    auto outer = pool.submit([&] {
        std::vector<future<int>> jobs{pool.submit(square, 5), pool.submit(square, 6)};
        blocking_wait(jobs, {.return_when = mode});
    });
    REQUIRE_THROWS_AS(outer.result(10s), std::logic_error);
    // A loop in a job is not blocked, and nobody remembers the attempt.
    auto in_loop = pool.submit([&] {
        std::vector<future<int>> jobs{pool.submit(square, 5)};
        wait_options const any{.return_when = return_when::first_completed};
        auto const main = [&]() -> task<> {
            blocking_wait(jobs, any);
            co_return;
        };
        run(main());
    });
    REQUIRE_THROWS_AS(in_loop.result(10s), std::logic_error);
    // What somebody else may bring about is waited for, and so is what is there already.
    promise<int> outside;
    auto with_others = pool.submit([&, other = outside.get_future()] {
        std::vector<future<int>> jobs{pool.submit(square, 5), other};
        return blocking_wait(jobs, {.return_when = return_when::first_completed}).done.size();
    });
    outside.set_value(1);
    REQUIRE(with_others.result(10s) == 1);
    auto in_time = pool.submit([&] {
        std::vector<future<int>> jobs{pool.submit(square, 5)};
        return blocking_wait(jobs, {.timeout = 1ms, .return_when = mode}).not_done.size();
    });
    REQUIRE(in_time.result(10s) == 1);
}

TEST_CASE("thread_executor: a job that waits for itself or for others", "[thread_pool]") {
    auto const mode = GENERATE(return_when::first_completed, return_when::first_exception);
    bool const own_is_first = GENERATE(true, false);
    std::binary_semaphore open{0};
    std::binary_semaphore open_later{0};
    promise<future<int>> own;
    thread_executor pool(2);
    auto other = pool.submit([&]() -> int {
        open.acquire();
        throw std::runtime_error("done");
    });
    auto itself = pool.submit([&, f = own.get_future()] {
        std::vector<future<int>> jobs{f.result(), other};
        if (!own_is_first) std::swap(jobs[0], jobs[1]);
        open.release();
        return static_cast<int>(blocking_wait(jobs, {.return_when = mode}).done.size());
    });
    own.set_value(itself);
    REQUIRE(itself.result(10s) == 1);
    // If the others end without an error, it would wait for itself.
    promise<future<int>> own_later;
    auto good = pool.submit([&]() -> int {
        open_later.acquire();
        return 1;
    });
    auto in_vain = pool.submit([&, f = own_later.get_future()] {
        std::vector<future<int>> jobs{f.result(), good};
        if (!own_is_first) std::swap(jobs[0], jobs[1]);
        open_later.release();
        return static_cast<int>(blocking_wait(jobs, {.return_when = mode}).done.size());
    });
    own_later.set_value(in_vain);
    if (mode == return_when::first_completed) {
        REQUIRE(in_vain.result(10s) == 1);
    } else {
        REQUIRE_THROWS_AS(in_vain.result(10s), std::logic_error);
    }
    // For itself alone it would wait for ever, however often it names itself.
    promise<future<int>> own_again;
    auto alone = pool.submit([&, f = own_again.get_future()] {
        std::vector<future<int>> jobs{f.result(), f.result()};
        return static_cast<int>(blocking_wait(jobs, {.return_when = mode}).done.size());
    });
    own_again.set_value(alone);
    REQUIRE_THROWS_AS(alone.result(10s), std::logic_error);
    static_cast<void>(other.exception());
}

TEST_CASE("thread_executor: others are done while a job begins to wait", "[thread_pool]") {
    bool const for_itself = GENERATE(true, false);
    thread_executor pool(for_itself ? 2 : 1);
    for (int round = 0; round < 2000; ++round) {
        std::atomic<bool> go{false};
        promise<int> other;
        promise<future<int>> own;
        auto const waits = pool.submit([&, f = own.get_future(), o = other.get_future()] {
            std::vector<future<int>> both{o, for_itself ? f.result() : pool.submit(square, 1)};
            go = true;
            for (int i = 0; i < round % 300; ++i) detail::cpu_relax();
            blocking_wait(both, {.return_when = return_when::first_completed});
            return 1;
        });
        own.set_value(waits);
        while (!go) {}
        other.set_value(1);
        REQUIRE(waits.result(10s) == 1);
    }
}

TEST_CASE("thread_executor: jobs that wait for the first of several", "[thread_pool]") {
    thread_executor pool(3);
    for (int round = 0; round < 200; ++round) {
        auto outer = pool.submit([&] {
            std::vector<future<int>> jobs{pool.submit(square, 5), pool.submit(square, 6)};
            return blocking_wait(jobs, {.return_when = return_when::first_completed}).done.size();
        });
        REQUIRE(outer.result() >= 1);
    }
}

TEST_CASE("thread_executor: jobs that wait for jobs where there are threads", "[thread_pool]") {
    thread_executor pool(3);
    for (int round = 0; round < 200; ++round) {
        auto outer = pool.submit([&] {
            return pool.submit([&] { return pool.submit(square, 5).result(); }).result();
        });
        REQUIRE(outer.result() == 25);
    }
}
