// What handing over costs on the least that C++20 needs (runtime.hpp): one waiter per side, no close, no
// cancellation.

#include "../sync.hpp"

#include "../measure.hpp"
#include "runtime.hpp"

#include <array>
#include <cstddef>
#include <cstdlib>
#include <utility>

namespace {

using namespace limit;

/// A channel of integers, with room for `Capacity` of them. One sender, one receiver.
template <std::size_t Capacity>
class channel {
public:
    struct send_awaiter {
        channel& c;
        int value;
        bool await_ready() {
            if (c.receiver_) {
                *c.slot_ = value;
                ready.push(*std::exchange(c.receiver_, nullptr));
                return true;
            }
            if (c.size_ >= Capacity) return false;
            c.items_[(c.first_ + c.size_++) % c.items_.size()] = value;
            return true;
        }
        template <class P>
        void await_suspend(std::coroutine_handle<P> h) {
            c.sender_ = &h.promise();
            c.slot_ = &value;
        }
        void await_resume() {}
    };
    send_awaiter send(int value) { return {*this, value}; }

    struct receive_awaiter {
        channel& c;
        int value = 0;
        bool await_ready() {
            if (c.size_ > 0) {
                value = c.items_[c.first_];
                c.first_ = (c.first_ + 1) % c.items_.size();
                --c.size_;
                if (c.sender_) {
                    c.items_[(c.first_ + c.size_++) % c.items_.size()] = *c.slot_;
                    ready.push(*std::exchange(c.sender_, nullptr));
                }
                return true;
            }
            if (!c.sender_) return false;
            value = *c.slot_;
            ready.push(*std::exchange(c.sender_, nullptr));
            return true;
        }
        template <class P>
        void await_suspend(std::coroutine_handle<P> h) {
            c.receiver_ = &h.promise();
            c.slot_ = &value;
        }
        int await_resume() { return value; }
    };
    receive_awaiter receive() { return {*this}; }

private:
    std::array<int, Capacity == 0 ? 1 : Capacity> items_{};
    std::size_t first_ = 0;
    std::size_t size_ = 0;
    promise_base* sender_ = nullptr;
    promise_base* receiver_ = nullptr;
    int* slot_ = nullptr;  // of whoever waits
};

/// Handed over to the task that waits longest.
class mutex {
public:
    struct lock_awaiter {
        mutex& m;
        bool await_ready() const { return !std::exchange(m.locked_, true); }
        template <class P>
        void await_suspend(std::coroutine_handle<P> h) {
            h.promise().next = nullptr;
            if (m.last_) {
                m.last_->next = &h.promise();
            } else {
                m.first_ = &h.promise();
            }
            m.last_ = &h.promise();
        }
        void await_resume() {}
    };
    lock_awaiter lock() { return {*this}; }
    void unlock() {
        promise_base* const p = first_;
        if (!p) {
            locked_ = false;
            return;
        }
        if (!(first_ = p->next)) last_ = nullptr;
        ready.push(*p);
    }

private:
    promise_base* first_ = nullptr;
    promise_base* last_ = nullptr;
    bool locked_ = false;
};

template <std::size_t Capacity>
task<> send_all(channel<Capacity>& c, int n) {
    for (int i = 0; i < n; ++i) co_await c.send(i);
}

template <std::size_t Capacity>
task<> channel_figure(const bench::program& out, const char* figure) {
    bench::best_slice best;
    channel<Capacity> c;
    join_counter join;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        spawn(send_all(c, bench::messages), join);
        for (int i = 0; i < bench::messages; ++i) {
            int const value = co_await c.receive();
            if (value != i) std::abort();
        }
        best.end(bench::messages);
        co_await join;
    }
    out.report(figure, best.ns(), "ns");
}

task<> lock_often(mutex& m, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) {
        co_await m.lock();
        co_await yield();
        m.unlock();
    }
}

task<> mutex_handoff(const bench::program& out) {
    bench::best_slice best;
    mutex m;
    join_counter join;
    for (int s = 0; s < out.slices(); ++s) {
        best.begin();
        for (std::size_t t = 0; t < bench::rivals; ++t) {
            spawn(lock_often(m, bench::messages / bench::rivals), join);
        }
        co_await join;
        best.end(bench::messages);
    }
    out.report("mutex_handoff", best.ns(), "ns");
}

}  // namespace

int main(int argc, char** argv) {
    bench::program const out("limit", argc, argv);
    auto const run = [&](const char* figure, task<> (*f)(const bench::program&)) {
        if (!out.wants(figure)) return;
        join_counter join;
        spawn(f(out), join);
        run_ready();
    };
    run("channel_unbuffered",
        [](const bench::program& p) { return channel_figure<0>(p, "channel_unbuffered"); });
    run("channel_1024",
        [](const bench::program& p) { return channel_figure<1024>(p, "channel_1024"); });
    run("mutex_handoff", mutex_handoff);
}
