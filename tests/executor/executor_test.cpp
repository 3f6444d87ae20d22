#include "executor/conformance.hpp"

#include <green/core/errors.hpp>
#include <green/executor/future.hpp>
#include <green/executor/wait.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <vector>

// What holds for every executor.

using namespace green;
using namespace green_test;

TEMPLATE_LIST_TEST_CASE("executor: works without a loop", "[executor]", executors) {
    TestType pool(2);
    future<int> f = pool.submit(square, 7);
    REQUIRE(f.result() == 49);
    auto text = pool.submit([](std::string s) { return s + "!"; }, std::string("hi"));
    REQUIRE(text.result() == "hi!");
    auto nothing = pool.submit([] {});
    nothing.result();
    REQUIRE(nothing.successful());
}

// conformance 28
TEMPLATE_LIST_TEST_CASE("executor: no workers is an invalid argument", "[executor]", executors) {
    REQUIRE_THROWS_AS(TestType(0), std::invalid_argument);
}

TEMPLATE_LIST_TEST_CASE("executor: what a job throws is in its future", "[executor]", executors) {
    TestType pool(1);
    auto f = pool.submit(always_fails, 3);
    REQUIRE_THROWS_AS(f.result(), std::out_of_range);
    REQUIRE_THROWS_WITH(f.result(), "item 3");
    REQUIRE(f.describe() == "finished raised std::out_of_range");
    REQUIRE(pool.submit(square, 2).result() == 4);
}

// conformance 32, 33
TEMPLATE_LIST_TEST_CASE("executor: submit after shutdown", "[executor]", executors) {
    TestType pool(1);
    pool.shutdown();
    pool.shutdown();
    REQUIRE_THROWS_AS(pool.submit(square, 1), executor_error);
    REQUIRE_THROWS_WITH(pool.submit(square, 1), "cannot schedule new futures after shutdown");
}

// conformance 34
TEMPLATE_LIST_TEST_CASE(
    "executor: the destructor waits for all queued jobs", "[executor]", executors
) {
    std::vector<future<int>> jobs;
    {
        TestType pool(2);
        for (int i = 0; i < 50; ++i) jobs.push_back(pool.submit(square, i));
    }
    for (int i = 0; i < 50; ++i) {
        REQUIRE(jobs[static_cast<std::size_t>(i)].done());
        REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i * i);
    }
}

// conformance 36
TEMPLATE_LIST_TEST_CASE(
    "executor: shutdown without waiting lets queued jobs run", "[executor]", executors
) {
    file_gate gate;
    TestType pool(1);
    auto first = pool.submit(pass, gate.path());
    auto second = pool.submit(square, 3);
    pool.shutdown({.wait = false});
    REQUIRE_FALSE(second.done());
    gate.open();
    REQUIRE(second.result() == 9);
    REQUIRE(first.result() == 1);
}

// conformance 37
TEMPLATE_LIST_TEST_CASE(
    "executor: shutdown that cancels what has not begun", "[executor]", executors
) {
    for (bool const wait : {false, true}) {
        file_gate begun;
        file_gate gate;
        TestType pool(1);
        auto first = pool.submit(announce_and_pass, begun.path(), gate.path());
        pass(begun.path());
        std::vector<future<int>> queued;
        for (int i = 0; i < 30; ++i) queued.push_back(pool.submit(square, i));
        std::jthread opener;
        if (wait) {
            opener = std::jthread([&gate, last = queued.back()] {
                try {
                    last.result();
                } catch (const cancelled_error&) {
                    gate.open();  // not before the shutdown has cancelled the last one
                }
            });
        }
        pool.shutdown({.wait = wait, .cancel_pending = true});
        gate.open();
        // Processes may hold a job or two that cannot be taken back.
        REQUIRE(queued.back().cancelled());
        REQUIRE_THROWS_AS(queued.back().result(), cancelled_error);
        REQUIRE(first.result() == 1);
    }
}

TEMPLATE_LIST_TEST_CASE("executor: cancel of a queued and a running job", "[executor]", executors) {
    file_gate begun;
    file_gate gate;
    TestType pool(1);
    auto running = pool.submit(announce_and_pass, begun.path(), gate.path());
    pass(begun.path());
    REQUIRE(running.running());
    std::vector<future<int>> queued;
    for (int i = 0; i < 30; ++i) queued.push_back(pool.submit(square, i));
    REQUIRE_FALSE(running.cancel());
    REQUIRE(queued.back().cancel());
    REQUIRE(queued.back().cancelled());
    gate.open();
    REQUIRE(running.result() == 1);
    REQUIRE(queued.front().result() == 0);
}

TEMPLATE_LIST_TEST_CASE("executor: a thousand jobs awaited at once", "[executor]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        auto const one = [&pool](int i) -> task<int> { co_return co_await pool.run(square, i); };
        std::vector<join_handle<int>> jobs;
        for (int i = 0; i < 1000; ++i) jobs.push_back(spawn(one, i));
        co_await joinall(jobs);
        for (int i = 0; i < 1000; ++i) {
            REQUIRE(jobs[static_cast<std::size_t>(i)].value() == i * i);
        }
    };
    run_test(body, virtual_clock());
}

TEMPLATE_LIST_TEST_CASE("executor: run of a job that fails", "[executor]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(1);
        auto const fails = [&pool]() -> task<int> { co_return co_await pool.run(always_fails, 1); };
        auto h = spawn(fails);
        co_await h.join();
        REQUIRE_THROWS_AS(h.result(), std::out_of_range);
        pool.shutdown();
        h = spawn(fails);
        co_await h.join();
        REQUIRE_THROWS_AS(h.result(), executor_error);
    };
    run_test(body, real_clock());
}

TEMPLATE_LIST_TEST_CASE("executor: names of jobs", "[executor]", executors) {
    file_gate gate;
    auto const wait_for = +[](std::string path) { return pass(path); };
    TestType pool(1);
    auto f = pool.submit({.name = "opens late"}, wait_for, gate.path());
    auto const body = [f, &gate]() -> task<> {
        auto const h = spawn([f]() -> task<int> { co_return co_await f; });
        co_await yield();
        std::string text;
        detail::handle_access::task_of(h).waiting_on()->describe(text);
        gate.open();
        REQUIRE(text.starts_with("job 'opens late' on "));
        co_await h;
    };
    run(body);
}

// conformance 112
TEMPLATE_LIST_TEST_CASE("executor: no wake-up of a wait is lost", "[executor]", executors) {
    TestType pool(2);
    for (int round = 0; round < 20; ++round) {
        std::vector<future<int>> jobs;
        for (int i = 0; i < 100; ++i) jobs.push_back(pool.submit(square, i));
        auto const result = blocking_wait(jobs);
        REQUIRE(result.done.size() == 100);
        REQUIRE(result.not_done.empty());
    }
}
