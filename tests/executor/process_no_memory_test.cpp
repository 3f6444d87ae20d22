#include "executor/failing_new.hpp"
#include "executor/process_jobs.hpp"

#include <green/core/errors.hpp>
#include <green/executor/process_executor.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

using namespace green;
using namespace green_test;

// A process_executor whose own thread runs out of memory, again and again: every future is done in the
// end, what was queued runs, and no job runs twice.

namespace {

std::atomic<int> lines{0};  // that were captured

int until_stopped(std::stop_token stop, int x) {
    while (!stop.stop_requested()) std::this_thread::sleep_for(1ms);
    return x;
}

int count(const std::string& runs_path, int job) {
    shared_numbers const runs(runs_path);
    return ++runs[static_cast<std::size_t>(job)];
}

std::string say(const std::string& text) {
    std::puts(text.c_str());
    return text + text;
}

int refuse(int x) { throw std::out_of_range(std::to_string(x)); }

bool is_lack_of_memory(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (const std::bad_alloc&) {
        return true;
    } catch (const broken_executor&) {  // for no worker could be started
        return true;
    } catch (...) {
        return false;
    }
}

/// On the manager's thread.
void call_on_manager(process_executor& pool, const std::function<void()>& f) {
    meeting_point gate;
    std::atomic<bool> called = false;
    auto const first = pool.submit(pass_gate, gate.path(), 1);
    first.add_done_callback([&](const future<int>&) {
        f();
        called = true;
        called.notify_one();
    });
    gate.value() = 1000;
    called.wait(false);
}

}  // namespace

TEST_CASE("process_executor: its manager without memory", "[process_executor][chaos]") {
    if (!new_can_fail) return;
    constexpr int jobs = 200;
    auto const seed =
        static_cast<unsigned>(number_from("GREEN_CHAOS_SEED", 1) + GENERATE(range(0, 5)));
    unsigned const one_in = GENERATE(40, 8);
    INFO("seed " << seed << ", one in " << one_in);
    shared_numbers const runs(jobs);
    process_executor_options options;
    options.max_workers = 2;
    options.cancel_grace = 20ms;
    lines = 0;
    options.on_output = [](const worker_line&) { ++lines; };
    std::vector<future<int>> counted;
    std::vector<future<std::string>> said;
    std::vector<future<int>> failing;
    std::vector<future<void>> dying;
    std::vector<future<int>> stopped;
    {
        process_executor pool(options);
        call_on_manager(pool, [&] { let_new_fail(one_in, seed); });
        for (int i = 0; i < jobs; ++i) {
            counted.push_back(pool.submit(count, runs.path(), i));
            if (i % 5 == 0) said.push_back(pool.submit(say, std::string(100, 'x')));
            if (i % 7 == 0) failing.push_back(pool.submit(refuse, i));
            if (i % 20 == 0) dying.push_back(pool.submit(kill_itself, SIGKILL));
            if (i % 25 == 0) {
                stopped.push_back(pool.submit(
                    {.on_cancel = i % 2 ? cancel_policy::kill : cancel_policy::cooperative},
                    until_stopped, i
                ));
            }
            if (i % 40 == 0) {
                failing.push_back(pool.submit({.deadline = 20ms}, until_stopped, i));
            }
        }
        for (auto& f : stopped) {
            while (!f.running() && !f.done()) std::this_thread::sleep_for(1ms);
            f.cancel();
        }
    }
    for (std::size_t i = 0; i < counted.size(); ++i) {
        REQUIRE(counted[i].done());
        CHECK(runs[i] <= 1);
        std::exception_ptr const error = counted[i].exception();
        if (!error) {
            CHECK(counted[i].result() == 1);
        } else {
            CHECK(is_lack_of_memory(error));
        }
    }
    auto const all_ended = [](const auto& futures) {
        return std::all_of(futures.begin(), futures.end(), [](auto& f) { return f.done(); });
    };
    CHECK(all_ended(said));
    CHECK(lines >= std::count_if(said.begin(), said.end(), [](auto& f) { return !f.exception(); }));
    CHECK(all_ended(failing));
    CHECK(all_ended(dying));
    CHECK(all_ended(stopped));
}

TEST_CASE("process_executor: jobs are taken back without memory", "[process_executor]") {
    if (!new_can_fail) return;
    meeting_point gate;
    process_executor pool(1);
    call_on_manager(pool, suffer_shortages);
    std::vector<future<int>> jobs;
    for (int i = 0; i < 2000; ++i) jobs.push_back(pool.submit(square, i));
    for (auto& f : jobs) f.result();  // they are short: several at a time are sent ahead
    jobs.clear();
    for (int i = 0; i < 300; ++i) jobs.push_back(pool.submit(square, i));
    jobs.push_back(pool.submit(pass_gate, gate.path(), 1));
    for (int i = 0; i < 40; ++i) jobs.push_back(pool.submit(square, i));
    {
        shortage const now;
        std::this_thread::sleep_for(20ms);  // those behind are looked for
        gate.value() = 1000;
        std::this_thread::sleep_for(20ms);  // the worker goes on
    }
    for (auto& f : jobs) REQUIRE(f.result(10s) >= 0);
}

TEST_CASE("process_executor: a worker dies without memory for its job", "[process_executor]") {
    if (!new_can_fail) return;
    process_executor pool(1);
    call_on_manager(pool, suffer_shortages);
    int const pid = pool.submit(own_pid).result();
    ::kill(pid, SIGSTOP);
    auto const f = pool.submit(square, 7);
    {
        shortage const now;
        ::kill(pid, SIGKILL);
        std::this_thread::sleep_for(100ms);  // many tries
    }
    REQUIRE(f.result(10s) == 49);  // the worker had not begun it
}
