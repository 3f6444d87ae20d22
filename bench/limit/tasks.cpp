// What tasks cost on the least that C++20 needs (runtime.hpp), with a gate, and a wheel for time.

#include "../measure.hpp"
#include "runtime.hpp"

#include <array>
#include <cstdlib>
#include <utility>

#include <sys/epoll.h>

namespace {

using namespace limit;

/// Opens once; the waiters form a list through their promises.
struct gate {
    promise_base* waiters = nullptr;

    bool await_ready() const { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> h) {
        h.promise().next = std::exchange(waiters, &h.promise());
    }
    void await_resume() const {}
    void open() {
        while (promise_base* p = waiters) {
            waiters = p->next;
            ready.push(*p);
        }
    }
};

// --- time: a hashed wheel of milliseconds

class wheel {
public:
    struct sleep {
        std::int64_t due_ns;
        std::int64_t due_ms = 0;
        sleep* next = nullptr;
        promise_base* waiter = nullptr;

        bool await_ready() const { return false; }
        template <class P>
        void await_suspend(std::coroutine_handle<P> h);
        void await_resume() const {}
    };

    wheel() : last_ms_(bench::wall_ns() / 1'000'000) {}

    void insert(sleep& s) {
        // Rounded up: never early.
        s.due_ms = std::max(s.due_ns / 1'000'000 + 1, last_ms_ + 1);
        sleep*& slot = slots_[static_cast<std::size_t>(s.due_ms) % slots_.size()];
        s.next = std::exchange(slot, &s);
        ++size_;
    }
    bool empty() const { return size_ == 0; }

    void fire() {
        for (std::int64_t const now = bench::wall_ns() / 1'000'000; last_ms_ < now;) {
            ++last_ms_;
            sleep* s =
                std::exchange(slots_[static_cast<std::size_t>(last_ms_) % slots_.size()], nullptr);
            while (s) {
                sleep* const next = s->next;
                if (s->due_ms <= last_ms_) {
                    --size_;
                    ready.push(*s->waiter);
                } else {
                    sleep*& slot = slots_[static_cast<std::size_t>(s->due_ms) % slots_.size()];
                    s->next = std::exchange(slot, s);
                }
                s = next;
            }
        }
    }
    std::int64_t next_tick() const { return last_ms_ + 1; }

private:
    std::array<sleep*, 4096> slots_{};
    std::int64_t last_ms_;
    std::size_t size_ = 0;
};
thread_local wheel timers;

template <class P>
void wheel::sleep::await_suspend(std::coroutine_handle<P> h) {
    waiter = &h.promise();
    timers.insert(*this);
}

// --- the loop

void run_with_timers() {
    int const poll = epoll_create1(EPOLL_CLOEXEC);
    for (;;) {
        promise_base* p = nullptr;
        for (int n = 0; n < 256 && (p = ready.pop()); ++n) p->handle().resume();
        timers.fire();
        if (ready.tail()) continue;
        if (timers.empty()) break;
        std::int64_t const wait = timers.next_tick() - bench::wall_ns() / 1'000'000;
        epoll_event none{};
        epoll_wait(poll, &none, 1, static_cast<int>(std::max<std::int64_t>(wait, 0)));
    }
    close(poll);
}

// --- the figures

[[gnu::noinline]] task<> nothing() { co_return; }

task<> spawn_join_hot(const bench::program& out) {
    bench::best_slice best;
    join_counter join;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (std::size_t b = 0; b < 1000; ++b) {
            for (std::size_t i = 0; i < bench::batch; ++i) spawn(nothing(), join);
            co_await join;
        }
        best.end(1000 * bench::batch);
    }
    out.report("spawn_join_hot", best.ns(), "ns");
}

task<> spawn_1m(const bench::program& out) {
    join_counter join;
    double const start = bench::cpu_ns();
    for (std::size_t i = 0; i < bench::live_tasks; ++i) spawn(nothing(), join);
    co_await join;
    out.report("spawn_1m", (bench::cpu_ns() - start) / bench::live_tasks, "ns");
}

[[gnu::noinline]] task<> wait_for(gate& g) { co_await g; }

task<> live_bytes(const bench::program& out) {
    gate g;
    join_counter join;
    double const before = bench::resident_bytes();
    for (std::size_t i = 0; i < bench::live_tasks; ++i) spawn(wait_for(g), join);
    co_await yield();
    out.report("live_bytes", (bench::resident_bytes() - before) / bench::live_tasks, "B");
    g.open();
    co_await join;
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
    for (std::size_t i = 0; i < times; ++i) co_await yield();
}

task<> yield_among(const bench::program& out, const char* figure, std::size_t tasks) {
    bench::best_slice best;
    join_counter join;
    std::size_t const times = 400'000 / tasks;
    for (int s = 0; s < out.slices(); ++s) {
        for (std::size_t i = 0; i < tasks; ++i) spawn(yield_often(times), join);
        best.begin();
        co_await join;
        best.end(times * tasks);
    }
    out.report(figure, best.ns(), "ns");
}

task<> sleep_once(bench::sleep_record& record, std::size_t i) {
    co_await wheel::sleep{record.due_ns(i)};
    record.woke(i);
}

task<> sleep_1m(const bench::program& out) {
    bench::sleep_record record(bench::live_tasks);
    join_counter join;
    for (std::size_t i = 0; i < bench::live_tasks; ++i) spawn(sleep_once(record, i), join);
    co_await join;
    record.report(out);
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    join_counter all;
    // Cold memory first.
    if (out.wants("live_bytes")) spawn(live_bytes(out), all), run_ready();
    if (out.wants("spawn_1m")) spawn(spawn_1m(out), all), run_ready();
    if (out.wants("spawn_join_hot")) spawn(spawn_join_hot(out), all), run_ready();
    if (out.wants("await_child")) spawn(await_child(out), all), run_ready();
    if (out.wants("yield_2")) spawn(yield_among(out, "yield_2", 2), all), run_ready();
    if (out.wants("yield_1000")) spawn(yield_among(out, "yield_1000", 1000), all), run_ready();
    if (out.wants("sleep_1m")) spawn(sleep_1m(out), all), run_with_timers();
}
