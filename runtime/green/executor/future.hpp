#pragma once

#include <green/core/task.hpp>
#include <green/executor/future_state.hpp>

#include <chrono>
#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace green {

template <class T>
class future;
template <class T>
class promise;

namespace detail {
struct future_access;

/// Waits for a future on a loop.
template <class T>
class future_leaf final : public future_wait {
public:
    explicit future_leaf(std::shared_ptr<future_state<T>> s)
        : future_wait(*s), held_(std::move(s)) {}
    T result() { return held_->get(); }

private:
    std::shared_ptr<future_state<T>> held_;  // the awaited handle may be a temporary
};

}  // namespace detail

/// A thread-safe, copyable handle of a result that somebody else produces, once: a job of an
/// executor, or the holder of a `promise`.
///
/// `co_await f` gives the value (a copy), throws the exception the job ended with, or cancelled_error.
/// The awaiting task resumes on its own loop; any number of tasks of any loops may wait, in order.
/// **cancel** of the wait: total; the job runs on.
/// Model: concurrent.futures.Future (and awaitable, unlike it).
template <class T>
class future {
public:
    using value_type = T;

    future() = default;

    /// Cancels a job that has not begun: true, its waiters get cancelled_error, its callbacks run
    /// before this returns. A running job is only asked, through its std::stop_token: false.
    bool cancel() { return get().cancel(); }
    bool cancelled() const { return get().phase() == detail::future_phase::cancelled; }
    /// Begun and not yet done.
    bool running() const { return get().phase() == detail::future_phase::running; }
    /// It has a value or an exception, or was cancelled.
    bool done() const { return get().done(); }

    /// The value; blocks this thread until it is there. Throws the job's exception, cancelled_error,
    /// or timeout_error after `timeout`. On a thread whose loop is running an unfinished result is a
    /// std::logic_error, for it would stop the loop: co_await the future there.
    template <class Rep = std::chrono::nanoseconds::rep, class Period = std::nano>
    T result(std::chrono::duration<Rep, Period> timeout = forever) const {
        get().wait_or_throw(detail::to_nanoseconds(timeout));
        return get().get();
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

    auto operator co_await() const { return detail::future_leaf<T>(require()); }

    explicit operator bool() const noexcept { return static_cast<bool>(state_); }
    friend bool operator==(const future& a, const future& b) noexcept {
        return a.state_ == b.state_;
    }

private:
    friend struct detail::future_access;
    friend class promise<T>;
    explicit future(std::shared_ptr<detail::future_state<T>> s) noexcept : state_(std::move(s)) {}

    template <class F>
    struct callback final : detail::future_callback {
        callback(F&& f, future me) : function(std::move(f)), self(std::move(me)) {}
        void run() override { function(self); }
        F function;
        future self;
    };

    const std::shared_ptr<detail::future_state<T>>& require() const {
        if (!state_) detail::throw_logic_error("green: this future refers to no job");
        return state_;
    }
    detail::future_state<T>& get() const { return *require(); }

    std::shared_ptr<detail::future_state<T>> state_;
};

/// The other side of a `future`: whoever holds it decides the outcome, once.
///
/// A second outcome is a std::logic_error and changes nothing. A promise that dies without one gives
/// its future a closed_error.
template <class T>
class promise {
public:
    promise() : state_(std::make_shared<detail::future_state<T>>()) {}
    promise(promise&&) noexcept = default;
    promise& operator=(promise&& o) noexcept {
        drop();
        state_ = std::move(o.state_);
        return *this;
    }
    ~promise() { drop(); }

    future<T> get_future() const { return future<T>(state_); }

    /// Begins: from now on the future cannot be cancelled. False if it has been.
    bool set_running() { return state_->set_running(); }

    template <class U = T>
        requires(!std::is_void_v<T> && std::convertible_to<U &&, T>)
    void set_value(U&& value) {
        state_->set_value(static_cast<U&&>(value));
    }
    void set_value()
        requires std::is_void_v<T>
    {
        state_->set_value();
    }
    void set_exception(std::exception_ptr error) { state_->set_exception(std::move(error)); }

private:
    void drop() noexcept {
        if (state_) state_->abandon();
    }
    std::shared_ptr<detail::future_state<T>> state_;
};

namespace detail {

struct future_access {
    template <class T>
    static future<T> make(std::shared_ptr<future_state<T>> s) {
        return future<T>(std::move(s));
    }
};

}  // namespace detail
}  // namespace green
