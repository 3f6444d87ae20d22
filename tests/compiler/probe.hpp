#pragma once

#include <coroutine>
#include <cstdio>
#include <exception>
#include <utility>

// What the probes share: the smallest task there is, and an object that knows how often it was destroyed. Nothing of
// green, so that a probe shows the compiler's work and no one else's.
//
// A probe's main returns `finish(good)`. It prints "ok" or "miscompiled"; a crash says the rest.

namespace probe {

struct task {
    struct promise_type {
        std::coroutine_handle<> continuation = std::noop_coroutine();

        task get_return_object() {
            return task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct to_continuation {
                bool await_ready() noexcept { return false; }
                std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> ended
                ) noexcept {
                    return ended.promise().continuation;
                }
                void await_resume() noexcept {}
            };
            return to_continuation{};
        }
        void return_void() {}
        void unhandled_exception() { std::terminate(); }
    };

    explicit task(std::coroutine_handle<promise_type> frame) : frame_(frame) {}
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
    task& operator=(task&&) = delete;
    ~task() {
        if (frame_) frame_.destroy();
    }

    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
        frame_.promise().continuation = awaiting;
        return frame_;
    }
    void await_resume() noexcept {}

    // Until its first real suspension; the probes have none, so until its end.
    bool run() {
        frame_.resume();
        return frame_.done();
    }

private:
    std::coroutine_handle<promise_type> frame_;
};

// co_await value(x) is x, at once.
template <class T> struct value_awaiter {
    explicit value_awaiter(T value) : value_(std::move(value)) {}
    bool await_ready() const noexcept { return true; }
    void await_suspend(std::coroutine_handle<>) noexcept {}
    T await_resume() { return std::move(value_); }

private:
    T value_;
};
template <class T> value_awaiter<T> value(T value) { return value_awaiter<T>(std::move(value)); }

// Counts itself: 0 when every object that was made has been destroyed exactly once.
struct counted {
    static inline int alive = 0;
    counted() { ++alive; }
    counted(const counted&) { ++alive; }
    counted(counted&&) noexcept { ++alive; }
    counted& operator=(const counted&) = default;
    ~counted() { --alive; }
};

inline int finish(bool good) {
    std::puts(good ? "ok" : "miscompiled");
    return 0;
}

}  // namespace probe
