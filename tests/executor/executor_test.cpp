#include "executor/conformance.hpp"
#include "support/standard_error.hpp"
#include "support/text.hpp"

#include <green/core/errors.hpp>
#include <green/executor/future.hpp>
#include <green/executor/wait.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/this_task.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
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

TEMPLATE_LIST_TEST_CASE(
    "executor: a deadline counts from the job's real start", "[executor]", executors
) {
    file_gate gate;
    TestType pool(1);
    auto blocker = pool.submit(pass, gate.path());
    auto behind = pool.submit({.deadline = 300ms}, square, 3);
    std::this_thread::sleep_for(400ms);
    REQUIRE_FALSE(behind.done());
    gate.open();
    REQUIRE(behind.result() == 9);
    REQUIRE(blocker.result() == 1);
}

namespace {

/// The time that it takes this thread to cancel so many queued jobs, in any order.
template <class Executor>
double time_to_cancel(std::size_t jobs, int priorities) {
    file_gate begun;
    file_gate gate;
    Executor pool(1);
    auto blocker = pool.submit(announce_and_pass, begun.path(), gate.path());
    pass(begun.path());
    std::vector<future<int>> queued;
    for (std::size_t i = 0; i < jobs; ++i) {
        int const priority = static_cast<int>(i) % priorities;
        queued.push_back(pool.submit({.priority = priority}, square, 1));
    }
    std::shuffle(queued.begin(), queued.end(), std::mt19937(1));
    auto const now = [] {
        timespec t = {};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
    };
    double const start = now();
    std::size_t cancelled = 0;
    for (auto& f : queued) cancelled += f.cancel();
    double const end = now();
    gate.open();
    REQUIRE(cancelled + 5 >= jobs);  // processes may have been sent a few
    return end - start;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE(
    "executor: a cancel takes as long with many jobs as with few", "[executor]", executors
) {
    for (int const priorities : {1, 10}) {
        double few = 1;
        double many = 1;
        for (int round = 0; round < 3; ++round) {
            few = std::min(few, time_to_cancel<TestType>(3'000, priorities));
            many = std::min(many, time_to_cancel<TestType>(30'000, priorities));
        }
        CAPTURE(few, many);
        REQUIRE(many / few < 50);  // 100 and more if each looked for its job
    }
}

// conformance 57
TEMPLATE_LIST_TEST_CASE("executor: a job is no task", "[executor]", executors) {
    TestType pool(1);
    auto asks = pool.submit(+[] { return this_task::cancel_requested(); });
    REQUIRE_THROWS_AS(asks.result(), std::logic_error);
}

// conformance 50
TEMPLATE_LIST_TEST_CASE("executor: a callback that throws harms nobody", "[executor]", executors) {
    TestType pool(1);
    file_gate gate;
    std::string const report = stderr_of([&] {
        auto job = pool.submit(pass, gate.path());
        job.add_done_callback([](const future<int>&) { throw std::runtime_error("a callback"); });
        gate.open();
        pool.submit(square, 1).result();  // the one before is published by then
    });
    REQUIRE(contains(report, "failed: a callback\n"));
    REQUIRE(pool.submit(square, 4).result() == 16);
}

// conformance 52
TEMPLATE_LIST_TEST_CASE(
    "executor: a job that nobody waits for keeps its worker", "[executor]", executors
) {
    auto const body = +[]() -> task<> {
        file_gate begun;
        file_gate gate;
        TestType pool(1);
        auto abandoned = pool.submit(announce_and_pass, begun.path(), gate.path());
        auto h = spawn([abandoned]() -> task<> { co_await abandoned; });
        co_await yield();
        h.cancel();
        co_await h.join();
        auto next = pool.submit(square, 3);
        while (!std::filesystem::exists(begun.path())) co_await sleep_for(1ms);
        executor_stats const now = pool.stats();
        REQUIRE(h.cancelled());
        REQUIRE(now.running == 1);
        REQUIRE(now.queued == 1);
        REQUIRE(now.workers == 1);
        gate.open();
        int const n = co_await next;
        REQUIRE(n == 9);
        REQUIRE(abandoned.done());
    };
    run_test(body, real_clock());
}

// conformance 60
TEMPLATE_LIST_TEST_CASE(
    "executor: a job outlives the loop that waited for it", "[executor]", executors
) {
    file_gate gate;
    TestType pool(1);
    REQUIRE(pool.submit(square, 2).result() == 4);  // all is open that the executor needs
    future<int> job;
    bool resumed = false;
    auto const wait_for_it = [&]() -> task<> {
        static_cast<void>(co_await job);
        resumed = true;
    };
    auto const body = [&]() -> task<> {
        job = pool.submit(pass, gate.path());
        loop& l = this_loop();
        job.add_done_callback([&l, &resumed](const future<int>&) {
            l.post([&resumed] { resumed = true; });
        });
        spawn(wait_for_it);
        co_await yield();
    };
    run(body);
    gate.open();
    REQUIRE(job.result() == 1);
    pool.shutdown();
    REQUIRE_FALSE(resumed);
}

// conformance 61
TEMPLATE_LIST_TEST_CASE(
    "executor: close() waits without blocking the loop", "[executor]", executors
) {
    auto const body = +[]() -> task<> {
        file_gate gate;
        TestType pool(1);
        auto blocker = pool.submit(pass, gate.path());
        auto queued = pool.submit(square, 3);
        auto closing = spawn(pool.close());
        co_await sleep_for(1ms);
        REQUIRE_FALSE(closing.done());
        REQUIRE_THROWS_AS(pool.submit(square, 1), executor_error);
        closing.cancel();
        co_await closing.join();
        REQUIRE(closing.cancelled());
        gate.open();
        co_await pool.close();
        REQUIRE(queued.result() == 9);
        REQUIRE(pool.stats().workers == 0);
        co_await pool.close();
    };
    run_test(body, real_clock());
}

TEMPLATE_LIST_TEST_CASE("executor: used by several threads at once", "[executor]", executors) {
    for (int round = 0; round < 3; ++round) {
        TestType pool(2);
        std::atomic<int> accepted{0};
        std::atomic<int> ended{0};
        std::atomic<bool> counts_are_right{true};
        std::vector<std::thread> users;
        for (int t = 0; t < 2; ++t) {
            users.emplace_back([&] {
                for (int i = 0; i < 300; ++i) {
                    try {
                        auto f = pool.submit({.priority = i % 3}, square, i);
                        ++accepted;
                        if (i % 4 == 0) f.cancel();
                        f.add_done_callback([&ended](const future<int>&) { ++ended; });
                        if (i % 50 == 49) f.try_result_for(1ms);
                    } catch (const executor_error&) {
                        return;
                    } catch (const cancelled_error&) {}
                }
            });
        }
        users.emplace_back([&] {
            for (int i = 0; i < 300; ++i) {
                executor_stats const s = pool.stats();
                if (s.finished + s.cancelled > s.submitted) counts_are_right = false;
                if constexpr (std::same_as<TestType, thread_executor>) {
                    pool.resize(static_cast<std::size_t>(i % 4));
                }
            }
        });
        users.emplace_back([&] {
            std::this_thread::sleep_for(std::chrono::milliseconds(2 * round));
            pool.shutdown({.wait = round != 1, .cancel_pending = round == 2});
        });
        for (auto& u : users) u.join();
        pool.shutdown();
        while (ended < accepted) std::this_thread::yield();
        REQUIRE(counts_are_right);
        executor_stats const s = pool.stats();
        REQUIRE(s.queued == 0);
        REQUIRE(s.running == 0);
        REQUIRE(s.submitted == s.finished + s.cancelled);
    }
}

// conformance 122
TEMPLATE_LIST_TEST_CASE("executor: a cancelled when_all asks every job", "[executor]", executors) {
    auto const body = +[]() -> task<> {
        file_gate begun[3];
        file_gate asked[3];
        TestType pool(3);
        auto const job = [](std::stop_token stop, const std::string& i_begin,
                            const std::string& i_end) {
            std::ofstream(i_begin).put('x');
            while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
            std::ofstream(i_end).put('x');
        };
        auto const run = [&](int i) { return pool.run(job, begun[i].path(), asked[i].path()); };
        auto const waits = [&]() -> task<> {
            co_await when_all(run(0), run(1), run(2));
            co_await yield();
        };
        auto h = spawn(waits);
        for (auto const& g : begun) {
            while (!std::filesystem::exists(g.path())) co_await sleep_for(1ms);
        }
        h.cancel();
        co_await h.join();
        REQUIRE(h.cancelled());
        for (auto const& g : asked) REQUIRE(std::filesystem::exists(g.path()));  // and waited for
    };
    run_test(body, real_clock());
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
