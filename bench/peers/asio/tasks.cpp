// bench/tasks.cpp on Asio: co_spawn and awaitable<>, one thread (concurrency hint 1).

#include "../../measure.hpp"

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <cstdlib>
#include <deque>
#include <exception>

namespace {

using asio::awaitable;
using asio::steady_timer;
using asio::use_awaitable;

/// A timer that never ends by itself: Asio's usual way to wait for something else than I/O.
class event {
public:
    explicit event(asio::io_context& loop) : timer_(loop, steady_timer::time_point::max()) {}

    auto wait() { return timer_.async_wait(asio::redirect_error(use_awaitable, ignored_)); }
    void set() { timer_.cancel(); }

private:
    steady_timer timer_;
    asio::error_code ignored_;
};

/// Counts tasks that have not ended.
class join_counter {
public:
    explicit join_counter(asio::io_context& loop) : none_(loop) {}

    /// The completion handler of a task that is about to be spawned.
    auto add() {
        ++running_;
        return [this](const std::exception_ptr& /*error*/) {
            if (--running_ == 0) none_.set();
        };
    }
    awaitable<void> join() {
        while (running_ > 0) co_await none_.wait();
    }

private:
    std::size_t running_ = 0;
    event none_;
};

class figures {
public:
    explicit figures(const bench::program& out) : out_(out) {}

    void run(const char* figure, awaitable<void> (figures::*body)()) {
        if (!out_.wants(figure)) return;
        asio::co_spawn(loop_, (this->*body)(), [](const std::exception_ptr& error) {
            if (error) std::rethrow_exception(error);
        });
        loop_.restart();
        loop_.run();
    }

    awaitable<void> spawn_join_hot();
    awaitable<void> spawn_1m();
    awaitable<void> live_bytes();
    awaitable<void> await_child();
    awaitable<void> yield_2() { return yield_among("yield_2", 2); }
    awaitable<void> yield_1000() { return yield_among("yield_1000", 1000); }
    awaitable<void> cancel_join();
    awaitable<void> sleep_1m();

private:
    awaitable<void> yield_among(const char* figure, std::size_t tasks);

    const bench::program& out_;
    asio::io_context loop_{1};
};

[[gnu::noinline]] awaitable<void> nothing() { co_return; }

awaitable<void> figures::spawn_join_hot() {
    bench::best_slice best;
    join_counter tasks(loop_);
    for (int s = 0; s < out_.slices(); ++s) {
        best.begin();
        for (std::size_t b = 0; b < 100; ++b) {
            for (std::size_t i = 0; i < bench::batch; ++i)
                asio::co_spawn(loop_, nothing(), tasks.add());
            co_await tasks.join();
        }
        best.end(100 * bench::batch);
    }
    out_.report("spawn_join_hot", best.ns(), "ns");
}

awaitable<void> figures::spawn_1m() {
    double const start = bench::cpu_ns();
    join_counter tasks(loop_);
    for (std::size_t i = 0; i < bench::live_tasks; ++i)
        asio::co_spawn(loop_, nothing(), tasks.add());
    co_await tasks.join();
    out_.report("spawn_1m", (bench::cpu_ns() - start) / bench::live_tasks, "ns");
}

awaitable<void> wait_for(event& gate) { co_await gate.wait(); }

awaitable<void> figures::live_bytes() {
    event gate(loop_);
    join_counter tasks(loop_);
    double const before = bench::resident_bytes();
    for (std::size_t i = 0; i < bench::live_tasks; ++i)
        asio::co_spawn(loop_, wait_for(gate), tasks.add());
    co_await asio::post(use_awaitable);
    out_.report("live_bytes", (bench::resident_bytes() - before) / bench::live_tasks, "B");
    std::exit(0);  // the rest is not measured
}

[[gnu::noinline]] awaitable<int> next(int n) { co_return n + 1; }

awaitable<void> figures::await_child() {
    bench::best_slice best;
    int n = 0;
    for (int s = 0; s < out_.slices(); ++s) {
        best.begin();
        for (int i = 0; i < 200'000; ++i) n = co_await next(n);
        best.end(200'000);
    }
    if (n != out_.slices() * 200'000) std::abort();
    out_.report("await_child", best.ns(), "ns");
}

awaitable<void> yield_often(std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) co_await asio::post(use_awaitable);
}

awaitable<void> figures::yield_among(const char* figure, std::size_t tasks) {
    bench::best_slice best;
    join_counter running(loop_);
    std::size_t const times = 40'000 / tasks;
    for (int s = 0; s < out_.slices(); ++s) {
        for (std::size_t i = 0; i < tasks; ++i)
            asio::co_spawn(loop_, yield_often(times), running.add());
        best.begin();
        co_await running.join();
        best.end(times * tasks);
    }
    out_.report(figure, best.ns(), "ns");
}

// --- the end of a task three frames deep

awaitable<void> three() {
    steady_timer timer(co_await asio::this_coro::executor, std::chrono::hours(1));
    co_await timer.async_wait(use_awaitable);
}
awaitable<void> two() { co_await three(); }
awaitable<void> one() { co_await two(); }

struct cancellable {
    explicit cancellable(asio::io_context& loop) : task(loop) {}

    asio::cancellation_signal signal;
    join_counter task;
};

awaitable<void> figures::cancel_join() {
    bench::best_slice best;
    std::deque<cancellable> tasks;
    for (std::size_t i = 0; i < bench::batch; ++i) tasks.emplace_back(loop_);
    for (int s = 0; s < 5 * out_.slices(); ++s) {
        for (auto& t : tasks) {
            asio::co_spawn(
                loop_, one(), asio::bind_cancellation_slot(t.signal.slot(), t.task.add())
            );
        }
        co_await asio::post(use_awaitable);
        best.begin();
        for (auto& t : tasks) {
            t.signal.emit(asio::cancellation_type::terminal);
            co_await t.task.join();
        }
        best.end(bench::batch);
    }
    out_.report("cancel_join", best.ns(), "ns");
}

// --- sleeping

awaitable<void> sleep_once(bench::sleep_record& record, std::size_t i) {
    steady_timer timer(
        co_await asio::this_coro::executor,
        steady_timer::time_point(std::chrono::nanoseconds(record.due_ns(i)))
    );
    co_await timer.async_wait(use_awaitable);
    record.woke(i);
}

awaitable<void> figures::sleep_1m() {
    bench::sleep_record record(bench::live_tasks, 4'000'000'000);
    join_counter tasks(loop_);
    for (std::size_t i = 0; i < bench::live_tasks; ++i)
        asio::co_spawn(loop_, sleep_once(record, i), tasks.add());
    co_await tasks.join();
    record.report(out_);
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("asio", argc, argv);
    figures all(out);
    all.run("spawn_1m", &figures::spawn_1m);
    all.run("spawn_join_hot", &figures::spawn_join_hot);
    all.run("await_child", &figures::await_child);
    all.run("yield_2", &figures::yield_2);
    all.run("yield_1000", &figures::yield_1000);
    all.run("cancel_join", &figures::cancel_join);
    all.run("sleep_1m", &figures::sleep_1m);
    all.run("live_bytes", &figures::live_bytes);
}
