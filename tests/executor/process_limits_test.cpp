#include "executor/process_jobs.hpp"
#include "support/sanitizers.hpp"

#include <green/core/errors.hpp>
#include <green/executor/codec_error.hpp>
#include <green/executor/process_executor.hpp>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <sched.h>
#include <sys/resource.h>

using namespace green;
using namespace green_test;

// What a worker is made to be before its first job.

namespace {

int niceness() { return ::getpriority(PRIO_PROCESS, 0); }

void burn() {
    volatile unsigned sink = 0;
    for (;;) sink = sink + 1;
}

std::vector<int> own_processors() {
    std::vector<int> numbers;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (::sched_getaffinity(0, sizeof set, &set) != 0) return numbers;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(i, &set)) numbers.push_back(i);
    }
    return numbers;
}
std::vector<int> processors_at(const std::string& gate) {
    meeting_point const meet(gate);
    meet.arrive();
    meet.wait_for(1000);
    return own_processors();
}

int loaded_by = 0;
void load() { loaded_by = ::getpid(); }
int who_loaded() { return loaded_by; }
int parent_pid() { return ::getppid(); }
void load_badly() { throw std::runtime_error("no data"); }
void load_and_leave() { ::_exit(4); }
void load_with_thread() {
    std::thread([] {
        for (;;) ::pause();
    }).detach();
}
void load_with_short_thread() {
    std::thread([] { std::this_thread::sleep_for(20ms); }).detach();
}

/// Where a sanitizer has a thread of its own, the workers are not forked. ThreadSanitizer may have.
constexpr bool workers_are_forked = !under_thread_sanitizer;

std::string problem_of(void (*preload)()) {
    process_executor_options options;
    options.max_workers = 1;
    options.preload = preload;
    process_executor pool(options);
    try {
        pool.submit(square, 1).result();
        return "none";
    } catch (const broken_executor& e) {
        return e.what();
    }
}

}  // namespace

TEST_CASE("process_executor: nice", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.nice = 3;
    process_executor pool(options);
    REQUIRE(pool.submit(niceness).result() == std::min(niceness() + 3, 19));
}

TEST_CASE("process_executor: a limit of processor time ends a worker", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.cpu_limit = 1;
    process_executor pool(options);
    auto endless = pool.submit(burn);
    try {
        endless.result();
        FAIL("no exception");
    } catch (const worker_died& e) {
        // With one limit for the warning and the end, Linux sends the one or the other.
        REQUIRE((e.signal() == SIGXCPU || e.signal() == SIGKILL));
        REQUIRE(e.usage().ru_utime.tv_sec + e.usage().ru_stime.tv_sec <= 2);
    }
    REQUIRE(pool.submit(square, 3).result() == 9);
}

TEST_CASE("process_executor: pinned workers share out the processors", "[process_executor]") {
    auto const allowed = own_processors();
    meeting_point gate;
    process_executor_options options;
    options.max_workers = 2 * allowed.size();
    options.pin_workers = true;
    process_executor pool(options);
    std::vector<future<std::vector<int>>> jobs;
    for (std::size_t i = 0; i < options.max_workers; ++i) {
        jobs.push_back(pool.submit(processors_at, gate.path()));
    }
    gate.wait_for(static_cast<int>(options.max_workers));
    gate.value() = 1000;
    std::multiset<int> used;
    for (auto& j : jobs) {
        auto const processors = j.result();
        REQUIRE(processors.size() == 1);
        used.insert(processors.front());
    }
    for (int const processor : allowed) REQUIRE(used.count(processor) == 2);
    REQUIRE(own_processors() == allowed);
}

TEST_CASE("process_executor: preload runs once, in the fork server", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 2;
    options.preload = load;
    for (start_method const method : {start_method::fork, start_method::exec}) {
        options.method = method;
        process_executor pool(options);
        for (int round = 0; round < 2; ++round) {
            int const by = pool.submit(who_loaded).result();
            bool const in_server = by == pool.submit(parent_pid).result();
            bool const in_worker = by == pool.submit(own_pid).result();
            REQUIRE(in_server != in_worker);
            if (workers_are_forked) REQUIRE(in_server == (method == start_method::fork));
            static_cast<void>(pool.submit(kill_itself, SIGKILL).exception());
        }
    }
    REQUIRE(loaded_by == 0);
}

TEST_CASE("process_executor: a preload whose thread has just ended", "[process_executor]") {
    if (!workers_are_forked) return;  // with the first thread one of the sanitizer begins
    // The kernel forgets a thread a moment after it is joined: here some more.
    REQUIRE(problem_of(load_with_short_thread) == "none");
}

TEST_CASE("process_executor: a preload that ignores the ends of children", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.preload = [] { std::signal(SIGCHLD, SIG_IGN); };
    process_executor pool(options);
    REQUIRE_THROWS_AS(pool.submit(exit_with, 3).result(), worker_died);
    REQUIRE(pool.submit(square, 3).result() == 9);
}

TEST_CASE("process_executor: a preload that listens to Ctrl-C", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.preload = [] { std::signal(SIGINT, SIG_DFL); };
    process_executor pool(options);
    int const server = pool.submit(parent_pid).result();
    ::kill(server, SIGINT);
    static_cast<void>(pool.submit(kill_itself, SIGKILL).exception());
    REQUIRE(pool.submit(parent_pid).result() == server);
}

TEST_CASE("process_executor: a preload that never ends", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 2;
    options.preload = [] {
        for (;;) ::pause();
    };
    process_executor pool(options);
    auto never = pool.submit(square, 1);
    pool.shutdown({.wait = true, .cancel_pending = true, .grace = 10ms});
    REQUIRE(never.cancelled());
    process_executor other(options);
    never = other.submit(square, 1);
    other.kill_workers();
    REQUIRE(never.cancelled());
}

TEST_CASE("process_executor: a preload that fails breaks the executor", "[process_executor]") {
    belongings const before;
    std::string const failed = problem_of(load_badly);
    REQUIRE(failed.find("the preload function") != std::string::npos);
    REQUIRE(failed.find("failed: no data") != std::string::npos);
    if (workers_are_forked) {
        REQUIRE(
            problem_of(load_with_thread) ==
            "process_executor: the preload function failed: it has left a thread behind, and a "
            "process "
            "with threads cannot be forked"
        );
        REQUIRE(
            problem_of(load_and_leave) ==
            "process_executor: worker processes could not be started: the fork server ended with "
            "exit status 4 while it ran the preload function"
        );
    }
    REQUIRE(belongings() == before);
}

// conformance 74
TEST_CASE(
    "process_executor: a burst of submits to a manager that is held up", "[process_executor]"
) {
    meeting_point first_gate;
    meeting_point gate;
    process_executor pool(1);
    auto first = pool.submit(pass_gate, first_gate.path(), 1);
    first.add_done_callback([&](const future<int>&) {
        gate.arrive();  // on the manager's thread, which hears nothing meanwhile
        gate.wait_for(1000);
    });
    first_gate.value() = 1000;
    gate.wait_for(1);
    std::vector<future<int>> jobs;
    for (int i = 0; i < 5000; ++i) jobs.push_back(pool.submit(square, i));
    auto cancelled = pool.submit(square, 1);
    cancelled.cancel();
    gate.value() = 1000;
    for (int i = 0; i < 5000; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i * i);
    REQUIRE(pool.stats().queued == 0);
}

namespace {

/// Cannot be sent back, or cannot be read.
struct unsendable {
    bool at_worker = true;
};

}  // namespace

template <>
struct green::codec<unsendable> {
    static void encode(encoder&, const unsendable& u) {
        if (u.at_worker) throw std::runtime_error("not to be sent");
    }
    static unsendable decode(decoder& d) { d.fail("an unsendable", "not to be read"); }
};

// conformance 76
TEST_CASE("process_executor: a result that cannot be sent, after shutdown", "[process_executor]") {
    belongings const before;
    {
        meeting_point gate;
        process_executor pool(1);
        auto at_worker = pool.submit(
            [](const std::string& path) {
                pass_gate(path, 0);
                return unsendable{true};
            },
            gate.path()
        );
        auto at_parent = pool.submit([] { return unsendable{false}; });
        gate.wait_for(1);
        pool.shutdown({.wait = false});
        REQUIRE_THROWS_AS(pool.submit(square, 1), executor_error);
        gate.value() = 1000;
        REQUIRE_THROWS_WITH(at_worker.result(), "not to be sent");
        REQUIRE_THROWS_AS(at_parent.result(), codec_error);
    }
    REQUIRE(belongings() == before);
}

namespace {

int living = 0;

/// Counts those that are there in its process.
class counted {
public:
    counted() { ++living; }
    counted(const counted&) : counted() {}
    counted(counted&&) noexcept : counted() {}
    ~counted() { --living; }
};
int meet_and_count(const counted&, const std::vector<int>&) { return living; }
int count_living() { return living; }

}  // namespace

template <>
struct green::codec<counted> {
    static void encode(encoder&, const counted&) {}
    static counted decode(decoder&) { return {}; }
};

// conformance 46, 90
TEST_CASE("process_executor: arguments are gone when their job is over", "[process_executor]") {
    process_executor pool(1);
    REQUIRE(pool.submit(meet_and_count, counted(), std::vector<int>(1000)).result() > 0);
    REQUIRE(pool.submit(count_living).result() == 0);
    auto const fail = [](const counted&) { throw std::runtime_error("no"); };
    REQUIRE_THROWS(pool.submit(fail, counted()).result());
    REQUIRE(pool.submit(count_living).result() == 0);
    // Whether its result is asked for or not:
    pool.submit(meet_and_count, counted(), std::vector<int>(1000));
    REQUIRE(pool.submit(count_living).result() == 0);
    REQUIRE(living == 0);  // and here when the job is queued
}
