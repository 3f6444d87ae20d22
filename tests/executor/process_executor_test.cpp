#include <green/executor/process_executor.hpp>

#include "executor/process_jobs.hpp"
#include "support/green_test.hpp"
#include "support/sanitizers.hpp"

#include <green/core/errors.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>

#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;

namespace {

struct point {
    int x;
    int y;
};
point mirrored(const point& p) { return {p.y, p.x}; }

std::string repeated(const std::string& text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) all += text;
    return all;
}
long sum_of(const std::vector<int>& numbers) {
    return std::accumulate(numbers.begin(), numbers.end(), 0L);
}
int fail_with(const std::string& text) { throw std::out_of_range(text); }

int initialized = 0;
void initialize() { initialized = 42; }
int initialized_to() { return initialized; }
void refuse() { throw std::runtime_error("no licence"); }

std::uint64_t address_space_after(std::size_t bytes) {
    std::vector<char> const block(bytes, 'x');
    volatile const char* const first = block.data();  // read, or clang leaves out the allocation
    return *first == 'x' ? block.size() : 0;
}
std::string standard_input() {
    char c = 0;
    return ::read(STDIN_FILENO, &c, 1) == 0 ? "empty" : "something";
}

}  // namespace

TEST_CASE("process_executor: no workers is an invalid argument", "[process_executor]") {
    REQUIRE_THROWS_AS(process_executor(0), std::invalid_argument);
}

TEST_CASE("process_executor: runs functions in another process", "[process_executor]") {
    belongings const before;
    for (start_method const method : {start_method::fork, start_method::exec}) {
        process_executor_options options;
        options.max_workers = 2;
        options.method = method;
        process_executor pool(options);
        REQUIRE(pool.submit(square, 7).result() == 49);
        REQUIRE(pool.submit(own_pid).result() != ::getpid());
        point const p = pool.submit(mirrored, point{1, 2}).result();
        REQUIRE(p.x == 2);
        REQUIRE(
            pool.submit([](std::string s) { return s + "!"; }, std::string("hi")).result() == "hi!"
        );
        auto nothing = pool.submit([] {});
        nothing.result();
        REQUIRE(nothing.done());
    }
    REQUIRE(belongings() == before);
}

TEST_CASE("process_executor: what a job throws is in its future", "[process_executor]") {
    process_executor pool(1);
    auto f = pool.submit(fail_with, std::string("far"));
    REQUIRE_THROWS_AS(f.result(), std::out_of_range);
    REQUIRE_THROWS_WITH(f.result(), "far");
    REQUIRE(pool.submit(square, 2).result() == 4);
}

GREEN_TEST("process_executor: a thousand jobs awaited at once", "[process_executor]") {
    process_executor pool(2);
    std::vector<join_handle<int>> jobs;
    for (int i = 0; i < 1000; ++i) {
        auto const job = [&pool, i]() -> task<int> { co_return co_await pool.run(square, i); };
        jobs.push_back(spawn(job));
    }
    co_await joinall(jobs);
    for (int i = 0; i < 1000; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].value() == i * i);
    co_await pool.close();
}

// conformance 73
TEST_CASE("process_executor: large arguments and results", "[process_executor]") {
    process_executor pool(2);
    std::vector<int> numbers(3'000'000, 2);
    REQUIRE(pool.submit(sum_of, numbers).result() == 6'000'000);
    std::string const block(1'000'000, 'x');
    REQUIRE(pool.submit(repeated, block, 20).result().size() == 20'000'000);
    // Both ways at once, more than all sockets hold: neither side may wait for the other.
    std::vector<future<std::string>> jobs;
    for (int i = 0; i < 16; ++i) jobs.push_back(pool.submit(repeated, block, 3));
    for (auto& j : jobs) REQUIRE(j.result().size() == 3'000'000);
}

// conformance 32, 33
TEST_CASE("process_executor: submit after shutdown", "[process_executor]") {
    process_executor pool(1);
    pool.shutdown();
    pool.shutdown();
    REQUIRE_THROWS_WITH(pool.submit(square, 1), "cannot schedule new futures after shutdown");
}

// conformance 34
TEST_CASE("process_executor: the destructor waits for all queued jobs", "[process_executor]") {
    belongings const before;
    std::vector<future<int>> jobs;
    {
        process_executor pool(2);
        for (int i = 0; i < 50; ++i) jobs.push_back(pool.submit(square, i));
    }
    for (int i = 0; i < 50; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i * i);
    REQUIRE(belongings() == before);
}

// conformance 36
TEST_CASE("process_executor: shutdown without waiting lets queued jobs run", "[process_executor]") {
    meeting_point gate;
    process_executor pool(1);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    auto second = pool.submit(square, 3);
    pool.shutdown({.wait = false});
    REQUIRE_FALSE(second.done());
    gate.value() = 1000;
    REQUIRE(first.result() == 1);
    REQUIRE(second.result() == 9);
}

TEST_CASE("process_executor: shutdown that cancels what has not begun", "[process_executor]") {
    meeting_point gate;
    process_executor pool(1);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    gate.wait_for(1);
    auto second = pool.submit(square, 3);
    pool.shutdown({.wait = false, .cancel_pending = true});
    REQUIRE(second.cancelled());
    gate.value() = 1000;
    REQUIRE(first.result() == 1);
}

TEST_CASE("process_executor: a shutdown with a limit ends what runs", "[process_executor]") {
    meeting_point begun;
    std::size_t const before = child_processes();
    process_executor pool(1);
    auto running = pool.submit(hang, begun.path());
    begun.wait_for(1);
    pool.shutdown({.grace = 10ms});
    REQUIRE_THROWS_AS(running.result(), worker_died);
    REQUIRE(child_processes() == before);
}

// conformance 88
TEST_CASE(
    "process_executor: workers start on demand, an idle one is used again", "[process_executor]"
) {
    process_executor pool(4);
    REQUIRE(pool.stats().workers == 0);
    std::set<int> pids;
    for (int i = 0; i < 20; ++i) pids.insert(pool.submit(own_pid).result());
    REQUIRE(pids.size() == 1);
    REQUIRE(pool.stats().workers == 1);
}

// conformance 89
TEST_CASE(
    "process_executor: never more processes than max_workers, and as many", "[process_executor]"
) {
    meeting_point gate;
    process_executor pool(3);
    std::vector<future<int>> held;
    for (int i = 0; i < 3; ++i) held.push_back(pool.submit(pass_gate, gate.path(), i));
    gate.wait_for(3);
    std::vector<future<int>> pids;
    for (int i = 0; i < 45; ++i) pids.push_back(pool.submit(own_pid));
    gate.value() = 1000;
    std::set<int> different;
    for (auto& p : pids) different.insert(p.result());
    REQUIRE(different.size() <= 3);
    REQUIRE(pool.stats().workers == 3);
    REQUIRE(pool.stats().workers_started == 3);
}

// conformance 78
TEST_CASE("process_executor: a worker ends after max_tasks_per_child jobs", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.max_tasks_per_child = 3;
    process_executor pool(options);
    std::vector<int> pids;
    for (int i = 0; i < 6; ++i) pids.push_back(pool.submit(own_pid).result());
    REQUIRE(pids[0] == pids[1]);
    REQUIRE(pids[0] == pids[2]);
    REQUIRE(pids[3] != pids[0]);
    REQUIRE(pids[3] == pids[5]);
    wait_until_gone(pids[0]);
    wait_until_gone(pids[3]);
    // The third one has taken its place. The pool may hear of a death later than we see it.
    while (pool.stats().workers > 1 || pool.stats().idle < 1) std::this_thread::sleep_for(1ms);
    REQUIRE(pool.stats().workers_started == 3);
}

// conformance 80, 81, 84
TEST_CASE("process_executor: task limits and an early shutdown", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 3;
    options.max_tasks_per_child = 1;
    std::vector<future<int>> jobs;
    {
        process_executor pool(options);
        for (int i = 0; i < 6; ++i) jobs.push_back(pool.submit(square, i));
        jobs.push_back(pool.submit(fail_with, std::string("far")));
        pool.shutdown({.wait = false});
    }
    for (int i = 0; i < 6; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i * i);
    REQUIRE_THROWS_AS(jobs[6].result(), std::out_of_range);
}

// conformance 44
TEST_CASE("process_executor: the initializer runs before the first job", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 2;
    options.initializer = initialize;
    process_executor pool(options);
    pool.warm().result();
    REQUIRE(pool.stats().idle == 2);
    REQUIRE(pool.submit(initialized_to).result() == 42);
    REQUIRE(initialized == 0);
}

// conformance 45, 66, 92
TEST_CASE("process_executor: an initializer that throws breaks the pool", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.initializer = refuse;
    belongings const before;
    {
        process_executor pool(options);
        auto first = pool.submit(square, 1);
        auto second = pool.submit(square, 2);
        REQUIRE_THROWS_AS(first.result(), broken_executor);
        REQUIRE_THROWS_WITH(
            second.result(),
            "process_executor: the initializer of a worker process failed: no licence"
        );
        REQUIRE(first.exception() != second.exception());
        REQUIRE_THROWS_AS(pool.submit(square, 3), broken_executor);
        REQUIRE_THROWS_AS(pool.warm(), broken_executor);
    }
    REQUIRE(belongings() == before);
}

TEST_CASE("process_executor: memory beyond the limit fails one job", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.memory_limit = std::uint64_t{1} << 32;
    if (under_sanitizer) return;  // it has reserved more than that
    process_executor pool(options);
    REQUIRE_THROWS_AS(
        pool.submit(address_space_after, std::size_t{5} << 30).result(), std::bad_alloc
    );
    REQUIRE(pool.submit(address_space_after, std::size_t{1} << 20).result() == 1 << 20);
    REQUIRE(pool.stats().workers_started == 1);
}

TEST_CASE("process_executor: a job's standard input is empty", "[process_executor]") {
    process_executor pool(1);
    REQUIRE(pool.submit(standard_input).result() == "empty");
}

TEST_CASE("process_executor: nothing is left behind", "[process_executor]") {
    belongings const before;
    for (int i = 0; i < 3; ++i) {
        process_executor pool(2);
        pool.warm().result();
        pool.submit(square, 1).result();
    }
    REQUIRE(belongings() == before);
}

TEST_CASE("process_executor: jobs behind a long one run elsewhere", "[process_executor]") {
    meeting_point gate;
    process_executor pool(2);
    // Short ones first: then several are sent to a worker ahead.
    std::vector<future<int>> jobs;
    for (int i = 0; i < 2000; ++i) jobs.push_back(pool.submit(square, i));
    auto blocker = pool.submit(pass_gate, gate.path(), 1);
    for (int i = 0; i < 2000; ++i) jobs.push_back(pool.submit(square, i));
    for (auto& j : jobs) j.result();
    REQUIRE_FALSE(blocker.done());
    gate.value() = 1000;
    REQUIRE(blocker.result() == 1);
}

TEST_CASE("process_executor: jobs begin by priority", "[process_executor]") {
    meeting_point gate;
    meeting_point order;
    process_executor pool(1);
    auto blocker = pool.submit(pass_gate, gate.path(), 1);
    gate.wait_for(1);
    auto const next = [](const std::string& path) { return meeting_point(path).arrive(); };
    std::vector<future<int>> jobs;
    for (int const priority : {0, 2, 1, 2}) {
        jobs.push_back(pool.submit(job_options{.priority = priority}, next, order.path()));
    }
    gate.value() = 1000;
    std::vector<int> places;
    for (auto& j : jobs) places.push_back(j.result());
    REQUIRE(places == std::vector<int>{4, 1, 3, 2});
}
