#pragma once

#include <green/executor/future_wait.hpp>

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace green {

template <class T>
class future;

namespace detail {

/// How executors and promises make futures, and the rooms of this folder look into them.
struct future_access {
    template <class T>
    static future<T> make(state_ref<future_state<T>> s) noexcept {
        return future<T>(std::move(s));
    }
    template <class T>
    static const state_ref<future_state<T>>& state(const future<T>& f) {
        return f.require();
    }
};

}  // namespace detail

/// A thread-safe, copyable handle of a result that somebody else produces, once: a job of an
/// executor, or the holder of a `promise`. The result of a green task has a `join_handle`.
///
/// `co_await f` gives the value, throws the exception the job ended with, or cancelled_error. A handle
/// that is an lvalue gives a copy, `co_await std::move(f)` moves it out if no other handle is left. A
/// result that can only be moved must be awaited so, once.
///
/// Any number of tasks, of any loops, may wait; each resumes on its own loop, in the order in which
/// they began to wait. **cancel** of the wait: total; the job runs on. Dropping the handles does not
/// cancel the job either; a failure that no handle has asked for is then printed, once. A virtual clock
/// stands still while a task waits: whatever will end the job does so in real time.
/// Model: concurrent.futures.Future (and awaitable, unlike it).
template <class T>
class future {
public:
    using value_type = T;

    /// Of nothing: what needs a job throws std::logic_error.
    future() = default;

    /// Cancels a job that has not begun: true, its waiters get cancelled_error, its callbacks run
    /// before this returns. A running job is only asked, through its std::stop_token: false. True as
    /// well if it has been cancelled before, or if another thread is about to: `done()` is not true
    /// before the job has been dropped with all that it holds.
    bool cancel() { return get().cancel(); }
    bool cancelled() const { return get().cancelled(); }
    bool canceled() const { return cancelled(); }
    /// Begun and not yet done.
    bool running() const { return get().running(); }
    /// It has a value or an exception, or was cancelled.
    bool done() const { return get().done(); }
    /// It has a value.
    bool successful() const { return done() && !cancelled() && !get().has_error(); }

    /// The value; blocks this thread until it is there. Throws the job's exception (as often as it is
    /// asked for), cancelled_error, or timeout_error after `timeout`; a std::logic_error where it
    /// could never return: in the job itself, in the last thread of an executor when all others wait for
    /// its jobs too, and in a callback or codec on the thread that ends the jobs of a process_executor.
    /// (Not seen: executors that wait for each other, and a job that runs a loop of its own to wait.)
    /// On a thread whose loop is running an unfinished result is a std::logic_error, for it would stop
    /// the loop: co_await the future there.
    template <class Rep = std::chrono::nanoseconds::rep, class Period = std::nano>
    T result(std::chrono::duration<Rep, Period> timeout = forever) const& {
        get().wait_or_throw(detail::to_nanoseconds(timeout));
        return get().get();
    }
    /// The same; moves the value out if no other handle is left.
    template <class Rep = std::chrono::nanoseconds::rep, class Period = std::nano>
    T result(std::chrono::duration<Rep, Period> timeout = forever) && {
        get().wait_or_throw(detail::to_nanoseconds(timeout));
        return get().take_or_get();
    }

    /// The job's exception, null if it has a value; blocks and throws as result().
    template <class Rep = std::chrono::nanoseconds::rep, class Period = std::nano>
    std::exception_ptr exception(std::chrono::duration<Rep, Period> timeout = forever) const {
        get().wait_or_throw(detail::to_nanoseconds(timeout));
        return get().exception();
    }

    /// The value, or empty if it is not there after `timeout`. Throws the job's exception and
    /// cancelled_error. For void: bool.
    template <class Rep, class Period>
    auto try_result_for(std::chrono::duration<Rep, Period> timeout) const {
        bool const done = get().wait(detail::to_nanoseconds(timeout));
        if constexpr (std::is_void_v<T>) {
            if (done) get().get();
            return done;
        } else {
            return done ? std::optional<T>(get().get()) : std::nullopt;
        }
    }

    /// Calls `f(future)` once the future is done: in the thread that ends it, in the order of
    /// registration, each once; at once and here if it is done already. An exception in one is
    /// printed, the others run.
    template <class F>
        requires std::invocable<F&, future>
    void add_done_callback(F f) const {
        get().add_callback(std::make_unique<callback<F>>(std::move(f), *this));
    }

    /// "pending", "running", "cancelled", "finished returned int", "finished raised std::out_of_range".
    std::string describe() const {
        auto const phase = get().phase();  // before the error, which is there when it says so
        return detail::describe_phase(phase, typeid(T), get().peek_error());
    }

    auto operator co_await() const& { return detail::future_leaf<T, false>(require()); }
    auto operator co_await() && {
        require();
        return detail::future_leaf<T, true>(std::move(state_));
    }

    explicit operator bool() const noexcept { return static_cast<bool>(state_); }
    friend bool operator==(const future& a, const future& b) noexcept {
        return a.state_ == b.state_;
    }

private:
    friend struct detail::future_access;
    explicit future(detail::state_ref<detail::future_state<T>> s) noexcept : state_(std::move(s)) {}

    template <class F>
    struct callback final : detail::future_callback {
        callback(F&& f, future me) : function(std::move(f)), self(std::move(me)) {}
        void run() override { function(self); }
        F function;
        future self;
    };

    const detail::state_ref<detail::future_state<T>>& require() const {
        if (!state_) detail::throw_logic_error("green: this future refers to no job");
        return state_;
    }
    detail::future_state<T>& get() const { return *require(); }

    detail::state_ref<detail::future_state<T>> state_;
};

}  // namespace green
