// What green's channels, locks and limits of time cost. bench/limit/sync.cpp does the same with the least
// that C++20 needs, and bench/peers/ with other runtimes.

#include "sync.hpp"

#include "measure.hpp"

#include <green/loop/run.hpp>
#include <green/loop/sleep.hpp>
#include <green/sync/channel.hpp>
#include <green/sync/event.hpp>
#include <green/sync/mutex.hpp>
#include <green/sync/queue.hpp>
#include <green/sync/semaphore.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/joinall.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <chrono>
#include <cstdlib>
#include <vector>

namespace {

using green::task;

task<> send_all(green::channel<int>& c, int n) {
    for (int i = 0; i < n; ++i) co_await c.send(i);
}

task<> channel_figure(const bench::program& out, const char* figure, std::size_t capacity) {
    bench::best_slice best;
    green::channel<int> c(capacity);
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        auto const sender = green::spawn(send_all(c, bench::messages));
        for (int i = 0; i < bench::messages; ++i) {
            auto const value = co_await c.receive();
            if (value != i) std::abort();
        }
        best.end(bench::messages);
        co_await sender;
    }
    out.report(figure, best.ns(), "ns");
}

task<> put_all(green::queue<int>& q, int n) {
    for (int i = 0; i < n; ++i) co_await q.put(i);
}

task<> queue_1024(const bench::program& out) {
    bench::best_slice best;
    green::queue<int> q(1024);
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        auto const putter = green::spawn(put_all(q, bench::messages));
        for (int i = 0; i < bench::messages; ++i) {
            int const item = co_await q.get();
            if (item != i) std::abort();
            q.task_done();
        }
        best.end(bench::messages);
        co_await putter;
    }
    out.report("queue_1024", best.ns(), "ns");
}

/// `rivals` tasks take turns; each turn is a lock, a yield and an unlock.
template <class F>
task<> rivalry(const bench::program& out, const char* figure, F turns) {
    bench::best_slice best;
    std::vector<green::join_handle<>> tasks;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (std::size_t t = 0; t < bench::rivals; ++t) {
            tasks.push_back(green::spawn(turns(bench::messages / bench::rivals)));
        }
        for (auto& t : tasks) co_await t;
        best.end(bench::messages);
        tasks.clear();
    }
    out.report(figure, best.ns(), "ns");
}

task<> mutex_handoff(const bench::program& out) {
    green::mutex m;
    auto const turns = [&m](std::size_t times) -> task<> {
        for (std::size_t i = 0; i < times; ++i) {
            auto const guard = co_await m.lock();
            co_await green::yield();
        }
    };
    co_await rivalry(out, "mutex_handoff", turns);
}

task<> semaphore_handoff(const bench::program& out) {
    green::semaphore one(1);
    auto const turns = [&one](std::size_t times) -> task<> {
        for (std::size_t i = 0; i < times; ++i) {
            auto const permit = co_await one.acquire();
            co_await green::yield();
        }
    };
    co_await rivalry(out, "semaphore_handoff", turns);
}

/// A limit of time that does not run out: what every request of a server has.
task<> timeout_unused(const bench::program& out) {
    bench::best_slice best;
    green::event done;
    done.set();
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (int i = 0; i < bench::messages / 10; ++i) {
            co_await green::with_timeout(std::chrono::seconds(30), done.wait());
        }
        best.end(bench::messages / 10);
    }
    out.report("timeout_unused", best.ns(), "ns");
}

/// A million armed timers: each sleep begins, and is cancelled.
task<> timer_1m(const bench::program& out) {
    std::vector<green::join_handle<>> sleepers;
    sleepers.reserve(bench::live_tasks);
    auto const sleep = [](std::size_t i) -> task<> {
        co_await green::sleep_for(std::chrono::seconds(1 + i % 1000));
    };
    for (std::size_t i = 0; i < bench::live_tasks; ++i) sleepers.push_back(green::spawn(sleep(i)));
    double const start = bench::cpu_ns();
    co_await green::yield();  // all begin to sleep
    for (auto& s : sleepers) s.cancel();
    out.report("timer_1m", (bench::cpu_ns() - start) / bench::live_tasks, "ns");
    co_await green::killall(sleepers);
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("green", argc, argv);
    if (out.wants("channel_unbuffered")) {
        green::run(channel_figure(out, "channel_unbuffered", 0));
    }
    if (out.wants("channel_1024")) green::run(channel_figure(out, "channel_1024", 1024));
    if (out.wants("queue_1024")) green::run(queue_1024(out));
    if (out.wants("mutex_handoff")) green::run(mutex_handoff(out));
    if (out.wants("semaphore_handoff")) green::run(semaphore_handoff(out));
    if (out.wants("timeout_unused")) green::run(timeout_unused(out));
    if (out.wants("timer_1m")) green::run(timer_1m(out));
}
