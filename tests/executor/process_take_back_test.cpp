#include "executor/process_jobs.hpp"

#include <green/core/errors.hpp>
#include <green/executor/process_executor.hpp>

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace green;
using namespace green_test;

// Jobs that a worker has been sent ahead have not begun: a long one before them changes nothing for them.

namespace {

constexpr std::size_t behind = 30;

int next_place(const std::string& path) { return meeting_point(path).arrive(); }

/// As a daemon does: the worker ends, and its copy is done when all others are.
void go_on_in_copy(const std::string& pid, const std::string& places) {
    if (::fork() != 0) ::_exit(0);
    shared_numbers const numbers(pid);
    numbers[0] = ::getpid();
    meeting_point(places).wait_for(static_cast<int>(behind));
}

/// One worker, at a job that lasts until the gate is opened, and others that may lie at it already: the
/// many short ones before have it sent several at once.
class busy_pool {
public:
    busy_pool() {
        for (int i = 0; i < 2000; ++i) pool.submit(square, i);
        long_one = pool.submit(pass_gate, gate.path(), 1);
        for (std::size_t i = 0; i < behind; ++i) {
            waiting.push_back(pool.submit(next_place, places.path()));
        }
        gate.wait_for(1);
    }
    ~busy_pool() { gate.value() = 1000; }
    busy_pool(const busy_pool&) = delete;
    busy_pool& operator=(const busy_pool&) = delete;

    /// Until the manager has looked. The watchdog bounds it.
    void wait_for_queued(std::size_t count) const {
        while (pool.stats().queued < count) std::this_thread::sleep_for(200us);
    }

    void wait_for_ends() const {
        for (const auto& job : waiting) {
            while (!job.done()) std::this_thread::sleep_for(200us);
        }
    }

    meeting_point gate;
    meeting_point places;
    process_executor pool{1};
    future<int> long_one;
    std::vector<future<int>> waiting;
};

}  // namespace

TEST_CASE("process_executor: jobs behind a long one can be cancelled", "[process_executor]") {
    busy_pool busy;
    busy.wait_for_queued(behind);
    for (auto& job : busy.waiting) REQUIRE(job.cancel());
    busy.gate.value() = 1000;
    REQUIRE(busy.long_one.result() == 1);
    REQUIRE(busy.pool.submit(square, 3).result() == 9);
    REQUIRE(busy.places.value() == 0);
}

TEST_CASE("process_executor: jobs are cancelled before they are taken back", "[process_executor]") {
    busy_pool busy;
    // Some may lie at the worker: those are asked only, and do not begin either.
    for (auto& job : busy.waiting) job.cancel();
    busy.wait_for_ends();
    busy.gate.value() = 1000;
    REQUIRE(busy.long_one.result() == 1);
    REQUIRE(busy.pool.submit(square, 3).result() == 9);
    REQUIRE(busy.places.value() == 0);
}

TEST_CASE("process_executor: a job leaves a copy of its worker behind", "[process_executor]") {
    meeting_point places;
    shared_numbers copy(1);
    process_executor pool(1);
    for (int i = 0; i < 2000; ++i) pool.submit(square, i);
    auto lost = pool.submit(go_on_in_copy, copy.path(), places.path());
    std::vector<future<int>> waiting;
    for (std::size_t i = 0; i < behind; ++i)
        waiting.push_back(pool.submit(next_place, places.path()));
    for (auto& job : waiting) job.result();
    REQUIRE_THROWS_AS(lost.result(), worker_died);
    wait_until_gone(copy[0]);
    REQUIRE(places.value() == static_cast<int>(behind));  // each once
}

TEST_CASE("process_executor: jobs behind a long one begin by priority", "[process_executor]") {
    busy_pool busy;
    busy.wait_for_queued(behind);
    auto urgent = busy.pool.submit(job_options{.priority = 1}, next_place, busy.places.path());
    busy.gate.value() = 1000;
    REQUIRE(urgent.result() == 1);
    for (std::size_t i = 0; i < behind; ++i) {
        REQUIRE(busy.waiting[i].result() == static_cast<int>(i) + 2);
    }
}

TEST_CASE("process_executor: a shutdown cancels what was sent ahead", "[process_executor]") {
    busy_pool busy;
    busy.pool.shutdown({.wait = false, .cancel_pending = true});
    for (auto& job : busy.waiting) REQUIRE(job.cancelled());
    busy.gate.value() = 1000;
    REQUIRE(busy.long_one.result() == 1);
    busy.pool.shutdown();
    REQUIRE(busy.places.value() == 0);
    executor_stats const s = busy.pool.stats();
    REQUIRE(s.finished == 2001);
    REQUIRE(s.cancelled == behind);
}
