#include "support/green_test.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/loop/sleep.hpp>
#include <green/loop/stall_report.hpp>
#include <green/tasks/spawn.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <regex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// Conformance 294, 310.

namespace {

using namespace green;
using namespace green_test;
using kind = stall_report::kind;

constexpr auto threshold = 20ms;

run_options watched() {
    run_options options;
    options.stall_threshold = threshold;
    return options;
}

/// Reports come on another thread.
class reports {
public:
    void operator()(const stall_report& r) {
        std::lock_guard const lock(mutex_);
        all_.push_back(r);
    }
    std::vector<stall_report> take() {
        std::lock_guard const lock(mutex_);
        return std::move(all_);
    }
    std::size_t size() {
        std::lock_guard const lock(mutex_);
        return all_.size();
    }
    auto handler() {
        return [this](const stall_report& r) { (*this)(r); };
    }

private:
    std::mutex mutex_;
    std::vector<stall_report> all_;
};

/// After 100 ms or more.
bool says_went_on(const std::string& text, const std::string& subject) {
    std::regex const line("green: " + subject + " went on after ([1-9][0-9]{2} ms|[0-9.]+ s)\n");
    return std::regex_search(text, line);
}

void compute_for(std::chrono::milliseconds d) {
    auto const end = std::chrono::steady_clock::now() + d;
    while (std::chrono::steady_clock::now() < end) {}
}

}  // namespace

// With C linkage the names are the same however they are found.
extern "C" [[gnu::noinline, gnu::visibility("default")]] void green_test_blocks() {
    std::this_thread::sleep_for(300ms);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // no tail call
}

namespace {

task<> stuck() {
    co_await yield();
    green_test_blocks();
}
task<> outer() { co_await stuck(); }

// conformance 294
TEST_CASE("a task that keeps its loop is reported once, with its place and its stack", "[stall]") {
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall(got.handler());
        co_await spawn({.name = "worker"}, outer);
        co_await sleep_for(1ms);
    });
    auto const all = got.take();
    REQUIRE(all.size() == 2);
    auto const& first = all[0];
    INFO(first.text);
    REQUIRE(first.what == kind::stuck);
    REQUIRE(first.duration >= threshold);
    REQUIRE(first.duration < 300ms);
    REQUIRE(first.task == task_id{2});
    REQUIRE(contains(first.text, "green: task #2 'worker' has kept its loop for "));
    REQUIRE(contains(first.text, "  after tests/debug/stall_test.cpp:"));
    REQUIRE(contains(first.text, " in stuck()\n  at "));
    REQUIRE(contains(first.text, " in outer()\n  spawned at tests/debug/stall_test.cpp:"));
    REQUIRE(contains(first.text, "stack of its thread:\n    #0 "));
    REQUIRE(contains(first.text, "green_test_blocks"));
    REQUIRE(all[1].what == kind::went_on);
    REQUIRE(all[1].task == task_id{2});
    INFO(all[1].text);
    REQUIRE(all[1].duration >= 250ms);  // it is 300 ms if the loop was the first to tell
    REQUIRE(says_went_on(all[1].text, "task #2 'worker'"));
}

TEST_CASE("a stall took as long as it did, whatever the handler does meanwhile", "[stall]") {
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall([&](const stall_report& r) {
            if (got.size() == 0) std::this_thread::sleep_for(200ms);
            got(r);
        });
        auto first = spawn([]() -> task<> {
            std::this_thread::sleep_for(300ms);
            co_return;
        });
        // Still in the same round of the loop, which has said nothing of its length yet.
        auto second = spawn([]() -> task<> {
            std::this_thread::sleep_for(100ms);
            co_return;
        });
        co_await first.join();
        co_await second.join();
    });
    auto const all = got.take();
    REQUIRE(all.size() >= 2);
    INFO(all[1].text);
    REQUIRE(all[1].what == kind::went_on);
    REQUIRE(all[1].task == all[0].task);
    REQUIRE(all[1].duration >= 200ms);
}

TEST_CASE("each stall is an incident of its own", "[stall]") {
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall(got.handler());
        for (std::size_t i = 0; i < 3; ++i) {
            std::this_thread::sleep_for(150ms);
            // The watchdog is busy with describing it for a while.
            while (got.size() < 2 * (i + 1)) co_await sleep_for(1ms);
        }
    });
    auto const all = got.take();
    REQUIRE(all.size() == 6);
    for (std::size_t i = 0; i < all.size(); ++i) {
        REQUIRE(all[i].what == (i % 2 == 0 ? kind::stuck : kind::went_on));
    }
}

TEST_CASE("a stall at the end of a run is reported to its end", "[stall]") {
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall(got.handler());
        co_await yield();
        std::this_thread::sleep_for(120ms);
    });
    auto const all = got.take();
    REQUIRE(all.size() == 2);
    REQUIRE(all[1].what == kind::went_on);
    REQUIRE(all[1].duration >= 120ms);
}

TEST_CASE("a posted function that keeps the loop is reported too", "[stall]") {
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall(got.handler());
        this_loop().post([] { std::this_thread::sleep_for(120ms); });
        co_await sleep_for(1ms);
    });
    auto const all = got.take();
    REQUIRE(all.size() == 2);
    INFO(all[0].text);
    REQUIRE(all[0].task == task_id::none);
    REQUIRE(contains(all[0].text, "a function given to loop::post has kept its loop"));
    REQUIRE(contains(all[0].text, "stack of its thread:\n"));
}

TEST_CASE("a loop that is idle, or busy in many small steps, is not stuck", "[stall]") {
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall(got.handler());
        co_await sleep_for(100ms);
        auto const end = now() + 150ms;
        while (now() < end) co_await yield();
    });
    REQUIRE(got.take().empty());
}

TEST_CASE("neither virtual time nor a threshold of zero is watched", "[stall]") {
    reports got;
    auto const body = [&]() -> task<> {
        this_loop().on_stall(got.handler());
        std::this_thread::sleep_for(150ms);
        co_await yield();
    };
    run_options off = watched();
    off.stall_threshold = 0ns;
    run(off, body);
    run_options virtual_time = watched();
    virtual_time.virtual_time = true;
    run(virtual_time, body);
    REQUIRE(got.take().empty());
}

TEST_CASE("several loops are watched by one thread", "[stall]") {
    reports got;
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&, i] {
            run(watched(), [&]() -> task<> {
                this_loop().on_stall(got.handler());
                co_await sleep_for(5ms * i);
                // Describing the first one takes the watchdog a while.
                std::this_thread::sleep_for(1500ms);
                co_await yield();
            });
        });
    }
    for (auto& t : threads) t.join();
    auto const all = got.take();
    REQUIRE(all.size() == 6);
    for (auto const& r : all) {
        INFO(r.text);
        if (r.what == kind::stuck) REQUIRE(contains(r.text, "task #1 'main'"));
    }
}

// A program's own handler of SIGURG stays where it is; the report is then without a stack.
std::atomic<int> urgent{0};
TEST_CASE("a program that uses SIGURG keeps it", "[stall]") {
    auto* const before = std::signal(SIGURG, [](int) { ++urgent; });
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall(got.handler());
        std::this_thread::sleep_for(120ms);
        co_await yield();
    });
    std::raise(SIGURG);
    REQUIRE(urgent == 1);
    std::signal(SIGURG, before);
    auto const all = got.take();
    REQUIRE(all.size() == 2);
    INFO(all[0].text);
    REQUIRE(contains(all[0].text, "green: a task has kept its loop for "));
    REQUIRE_FALSE(contains(all[0].text, "stack of its thread"));
}

TEST_CASE("the handler of SIGURG is there for the moment of a report only", "[stall]") {
    reports got;
    run(watched(), [&]() -> task<> {
        this_loop().on_stall(got.handler());
        std::this_thread::sleep_for(120ms);
        co_await yield();
    });
    REQUIRE(got.take().size() == 2);
    REQUIRE(std::signal(SIGURG, SIG_DFL) == SIG_DFL);
}

}  // namespace

TEST_CASE("program: stalls", "[.program]") {
    run(watched(), []() -> task<> {
        co_await yield();
        compute_for(200ms);
        co_await yield();
    });
    std::_Exit(0);
}
TEST_CASE("program: stalls with a broken handler", "[.program]") {
    run(watched(), []() -> task<> {
        this_loop().on_stall([](const stall_report&) { throw std::runtime_error("it broke"); });
        std::this_thread::sleep_for(120ms);
        co_await yield();
        std::puts("went on");
        std::fflush(stdout);
    });
    std::_Exit(0);
}
TEST_CASE("program: stopped and continued", "[.program]") {
    run(watched(), []() -> task<> {
        co_await yield();
        std::raise(SIGSTOP);  // the one who started it lets it go on
        co_await yield();
        std::puts("went on");
        std::fflush(stdout);
    });
    std::_Exit(0);
}

TEST_CASE("without a handler a stall is printed", "[stall]") {
    auto const e = run_program("program: stalls");
    INFO(e.output);
    REQUIRE(e.status == 0);
    REQUIRE(contains(e.output, "task #1 'main' has kept its loop for "));
    REQUIRE(says_went_on(e.output, "task #1 'main'"));
}

// conformance 310
TEST_CASE("a stall handler that throws is disabled and named; the run goes on", "[stall]") {
    auto const e = run_program("program: stalls with a broken handler");
    INFO(e.output);
    REQUIRE(e.status == 0);
    REQUIRE(contains(
        e.output, "handler given to loop::on_stall failed and is not called any more: it broke\n"
    ));
    REQUIRE(contains(e.output, "green: task #1 'main' has kept its loop for "));
    REQUIRE(says_went_on(e.output, "task #1 'main'"));
    REQUIRE(contains(e.output, "went on\n"));
}

TEST_CASE("a process that was stopped has not been stuck", "[stall]") {
    auto const e = run_process(
        {"sh", "-c",
         "\"$0\" 'program: stopped and continued' --out=/dev/null & sleep 0.4; kill -CONT $!; wait "
         "$!",
         std::string(program_path())}
    );
    INFO(e.output);
    REQUIRE(e.output == "went on\n");
    REQUIRE(e.status == 0);
}
