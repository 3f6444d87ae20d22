// What green tasks cost. bench/limit/tasks.cpp does the same with the least that C++20 needs, and
// bench/peers/ with other runtimes.

#include "measure.hpp"

#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/task_group.hpp>

#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <utility>
#include <vector>

namespace {

using handle = green::join_handle<void>;
using green::task;

[[gnu::noinline]] task<> nothing() { co_return; }

task<> spawn_join_hot(const bench::program& out) {
    bench::best_slice best;
    std::vector<handle> handles(bench::batch);
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (std::size_t b = 0; b < 1000; ++b) {
            for (auto& h : handles) h = green::spawn(nothing());
            for (auto& h : handles) co_await h;
        }
        best.end(1000 * bench::batch);
    }
    out.report("spawn_join_hot", best.ns(), "ns");
}

task<> spawn_joinall_hot(const bench::program& out) {
    bench::best_slice best;
    std::vector<handle> handles(bench::batch);
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (std::size_t b = 0; b < 500; ++b) {
            for (auto& h : handles) h = green::spawn(nothing());
            co_await green::joinall(handles);
        }
        best.end(500 * bench::batch);
    }
    out.report("spawn_joinall_hot", best.ns(), "ns");
}

task<> spawn_group_hot(const bench::program& out) {
    bench::best_slice best;
    co_await green::with_group([&](green::task_group& group) -> task<> {
        for (int s = 0; s < out.slices(); ++s) {
            best.begin();
            for (std::size_t b = 0; b < 500; ++b) {
                for (std::size_t i = 0; i < bench::batch; ++i) group.spawn(nothing());
                co_await group.join();
            }
            best.end(500 * bench::batch);
        }
    });
    out.report("spawn_group_hot", best.ns(), "ns");
}

task<> spawn_1m(const bench::program& out) {
    double const start = bench::cpu_ns();
    std::vector<handle> handles;
    handles.reserve(bench::live_tasks);
    for (std::size_t i = 0; i < bench::live_tasks; ++i) handles.push_back(green::spawn(nothing()));
    for (auto& h : handles) co_await h;
    handles = {};
    out.report("spawn_1m", (bench::cpu_ns() - start) / bench::live_tasks, "ns");
}

[[gnu::noinline]] task<> wait_for(const handle& gate) { co_await gate; }
task<> sleep_long() { co_await green::sleep_for(std::chrono::hours(1)); }

task<> live_bytes(const bench::program& out) {
    handle const gate = green::spawn(sleep_long());
    double const before = bench::resident_bytes();
    std::vector<handle> handles;
    handles.reserve(bench::live_tasks);
    for (std::size_t i = 0; i < bench::live_tasks; ++i)
        handles.push_back(green::spawn(wait_for(gate)));
    co_await green::yield();
    out.report("live_bytes", (bench::resident_bytes() - before) / bench::live_tasks, "B");
    std::exit(0);  // the rest is not measured
}

[[gnu::noinline]] task<int> next(int n) { co_return n + 1; }

task<> await_child(const bench::program& out) {
    bench::best_slice best;
    int n = 0;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (int i = 0; i < 200'000; ++i) n = co_await next(n);
        best.end(200'000);
    }
    if (n != out.slices() * 200'000) std::abort();
    out.report("await_child", best.ns(), "ns");
}

task<> yield_often(std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) co_await green::yield();
}

task<> yield_among(const bench::program& out, const char* figure, std::size_t tasks) {
    bench::best_slice best;
    std::vector<handle> handles(tasks);
    std::size_t const times = 400'000 / tasks;
    for (int s = 0; s < out.slices(); ++s) {
        for (auto& h : handles) h = green::spawn(yield_often(times));
        best.begin();
        for (auto& h : handles) co_await h;
        best.end(times * tasks);
    }
    out.report(figure, best.ns(), "ns");
}

// --- the end of a task three frames deep

[[gnu::noinline]] task<> three() { co_await green::sleep_for(std::chrono::hours(1)); }
[[gnu::noinline]] task<> two() { co_await three(); }
[[gnu::noinline]] task<> one() { co_await two(); }

task<> cancel_join(const bench::program& out) {
    bench::best_slice best;
    std::vector<handle> handles(bench::batch);
    for (int s = 0; s < 20 * out.slices(); ++s) {
        for (auto& h : handles) h = green::spawn(one());
        co_await green::yield();
        best.begin();
        for (auto& h : handles) {
            h.cancel();
            co_await h.join();
        }
        best.end(bench::batch);
    }
    out.report("cancel_join", best.ns(), "ns");
}

task<> cancel_killall(const bench::program& out) {
    bench::best_slice best;
    std::vector<handle> handles(bench::batch);
    for (int s = 0; s < 20 * out.slices(); ++s) {
        for (auto& h : handles) h = green::spawn(one());
        co_await green::yield();
        best.begin();
        co_await green::killall(handles);
        best.end(bench::batch);
    }
    out.report("cancel_killall", best.ns(), "ns");
}

// The same end by an exception: what cancellation costs in a library that throws.

struct stop {};
[[gnu::noinline]] task<> throws_three(const handle& gate) {
    co_await gate;
    throw stop();
}
[[gnu::noinline]] task<> throws_two(const handle& gate) { co_await throws_three(gate); }
[[gnu::noinline]] task<> throws_one(const handle& gate) { co_await throws_two(gate); }

task<> throw_join(const bench::program& out) {
    bench::best_slice best;
    std::vector<handle> handles(bench::batch);
    for (int s = 0; s < 5 * out.slices(); ++s) {
        handle const gate = green::spawn(yield_often(2));
        for (auto& h : handles) h = green::spawn(throws_one(gate));
        co_await green::yield();
        best.begin();
        for (auto& h : handles) co_await h.join();
        best.end(bench::batch);
    }
    out.report("throw_join", best.ns(), "ns");
}

// --- sleeping

task<> sleep_once(bench::sleep_record& record, std::size_t i) {
    co_await green::sleep_until(green::clock::time_point(std::chrono::nanoseconds(record.due_ns(i)))
    );
    record.woke(i);
}

task<> sleep_1m(const bench::program& out) {
    bench::sleep_record record(bench::live_tasks);
    std::vector<handle> handles;
    handles.reserve(bench::live_tasks);
    for (std::size_t i = 0; i < bench::live_tasks; ++i) {
        handles.push_back(green::spawn(sleep_once(record, i)));
    }
    for (auto& h : handles) co_await h;
    record.report(out);
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("green", argc, argv);
    if (out.wants("spawn_1m")) green::run(spawn_1m(out));  // cold memory first
    if (out.wants("spawn_join_hot")) green::run(spawn_join_hot(out));
    if (out.wants("spawn_joinall_hot")) green::run(spawn_joinall_hot(out));
    if (out.wants("spawn_group_hot")) green::run(spawn_group_hot(out));
    if (out.wants("await_child")) green::run(await_child(out));
    if (out.wants("yield_2")) green::run(yield_among(out, "yield_2", 2));
    if (out.wants("yield_1000")) green::run(yield_among(out, "yield_1000", 1000));
    if (out.wants("cancel_join")) green::run(cancel_join(out));
    if (out.wants("cancel_killall")) green::run(cancel_killall(out));
    if (out.wants("throw_join")) green::run(throw_join(out));
    if (out.wants("sleep_1m")) green::run(sleep_1m(out));
    if (out.wants("live_bytes")) green::run(live_bytes(out));
}
