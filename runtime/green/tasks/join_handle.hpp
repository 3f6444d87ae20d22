#pragma once

#include <green/core/typed_task.hpp>
#include <green/tasks/join_set.hpp>

#include <concepts>
#include <optional>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

namespace green {

template <class T = void>
class join_handle;

namespace detail {

struct handle_access;

/// Waits until one green task has ended.
class join_leaf : public leaf, private joiner {
public:
    explicit join_leaf(green_task* target) noexcept : target_(target) {}

    bool ready() {
        if (!target_ || target_ == scheduler::current()->running()) [[unlikely]]
            throw_bad_join();
        return target_->ended();
    }
    void start() noexcept { target_->joiners().push_back(*this); }
    bool cancel() noexcept override;
    void describe(std::string& out) const override;
    const green_task* blocked_by() const noexcept override { return target_; }

protected:
    [[noreturn]] void throw_bad_join() const;
    [[noreturn]] void throw_cancelled() const;

    green_task* target_;

private:
    void task_ended(green_task&) noexcept override { waiter().wake(); }
};

/// The same, and gives its result: a copy for a handle that stays, moved out of one that goes.
template <class T, bool Move>
class result_leaf final : public join_leaf {
public:
    /// Takes the reference over: the handle may be gone before its task has ended.
    explicit result_leaf(task_ref<typed_task<T>> t) noexcept : join_leaf(t.release()) {}
    result_leaf(const result_leaf&) = delete;
    result_leaf& operator=(const result_leaf&) = delete;
    ~result_leaf() {
        if (target_) target_->drop_ref();
    }

    T result();
};

}  // namespace detail

/// A reference to a green task. Copyable; dropping it changes nothing for the task. Loop-affine: debug
/// builds throw std::logic_error on any other thread while the loop runs.
///
/// `co_await handle` waits until the task has ended and gives its result: the value (copied; moved
/// out of an rvalue handle that is the last one, or whose value cannot be copied), the exception it
/// ended with, or `cancelled_error`. Any number of tasks may wait; they resume in the order in which
/// they began to. A task that awaits itself gets a
/// std::logic_error.
/// **cancel** of the wait: total; the awaited task runs on.
///
/// A failure that no handle ever looks at (`co_await`, `result()`, `exception()`, `join`, `joinall`)
/// is reported when the last handle goes, at the latest when the task ends without one.
/// Models: gevent.Greenlet, tokio::task::JoinHandle.
template <class T>
class join_handle {
public:
    using value_type = T;

    join_handle() = default;

    /// It has ended, one way or another.
    bool done() const { return get().ended(); }
    /// It has ended with a value. (gevent counts a killed greenlet as successful; here `value()` is
    /// empty then, and so this is false.)
    bool successful() const { return done() && !cancelled() && get().has_value(); }
    /// It has ended by being cancelled.
    bool cancelled() const { return get().was_cancelled(); }

    /// Asks the task to end: it is unwound at its present or next suspension outside a shield. True
    /// until it has ended; the first reason stays. Cancelled before its first step, a body never
    /// runs. Does not wait: see `killall`.
    bool cancel(
        std::string_view reason = {}, std::source_location where = std::source_location::current()
    ) {
        return get().request_cancel(reason, where);
    }

    /// The value once there is one, empty before and otherwise: gevent's `.value`. For void: whether
    /// it succeeded.
    auto value() const {
        if constexpr (std::is_void_v<T>) {
            return successful();
        } else if constexpr (std::is_reference_v<T>) {
            return successful() ? get().value() : nullptr;
        } else {
            return successful() ? std::optional<T>(get().value()) : std::nullopt;
        }
    }

    /// The value, or what ended the task: its exception, or cancelled_error. std::logic_error while
    /// it runs.
    T result() const {
        check_ended();
        if constexpr (std::is_void_v<T>) {
            return;
        } else if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*get().value());
        } else {
            return get().value();
        }
    }

    /// What the task failed with; null before, after success and after a cancel.
    std::exception_ptr exception() const {
        if (!done()) return nullptr;
        get().mark_observed();
        return get().error();
    }

    /// Calls `f(handle)` or `f()` from the loop when the task has ended; at once if it has. Any
    /// number, in order, each once. An exception in one is an unhandled failure; the others run.
    template <class F>
    void add_done_callback(F f) const {
        if constexpr (std::invocable<F&, join_handle>) {
            detail::add_callback(get(), [f = std::move(f), h = *this]() mutable { f(h); });
        } else {
            detail::add_callback(get(), std::move(f));
        }
    }

    /// Waits for the end, never throws what the task ended with; false when `timeout` came first.
    /// gevent's Greenlet.join.
    task<bool> join(std::chrono::nanoseconds timeout = forever) const {
        return detail::join_one(detail::task_ref<detail::green_task>(&get()), timeout);
    }

    task_id id() const { return get().id(); }
    std::string_view name() const { return get().name(); }

    auto operator co_await() const& {
        static_assert(
            std::is_void_v<T> || std::is_reference_v<T> || std::copy_constructible<T>,
            "green: this result cannot be copied: write co_await std::move(handle)"
        );
        return detail::result_leaf<T, false>(task_);
    }
    auto operator co_await() && { return detail::result_leaf<T, true>(std::move(task_)); }

    /// Whether it refers to a task at all.
    explicit operator bool() const noexcept { return static_cast<bool>(task_); }
    /// Same task?
    friend bool operator==(const join_handle& a, const join_handle& b) noexcept {
        return a.task_.get() == b.task_.get();
    }

private:
    friend struct detail::handle_access;
    explicit join_handle(detail::task_ref<detail::typed_task<T>> t) noexcept
        : task_(std::move(t)) {}

    detail::typed_task<T>& get() const {
        if (!task_) detail::throw_logic_error("green: this join_handle refers to no task");
        task_->owner().check_thread();
        return *task_;
    }
    void check_ended() const {
        if (!done())
            detail::throw_logic_error("green: join_handle::result: the task has not ended");
        get().mark_observed();
        if (cancelled()) throw cancelled_error(get().cancelled_text());
        if (std::exception_ptr e = get().error()) std::rethrow_exception(std::move(e));
    }

    detail::task_ref<detail::typed_task<T>> task_;
};

namespace detail {

/// Handles from tasks and back, for the rest of the library.
struct handle_access {
    template <class T>
    static join_handle<T> make(task_ref<typed_task<T>> t) {
        return join_handle<T>(std::move(t));
    }
    template <class T>
    static typed_task<T>& task_of(const join_handle<T>& h) {
        return h.get();
    }
};

template <class T, bool Move>
T result_leaf<T, Move>::result() {
    auto& t = static_cast<typed_task<T>&>(*target_);
    t.mark_observed();
    if (t.was_cancelled()) [[unlikely]]
        throw_cancelled();
    if (!t.has_value()) [[unlikely]]
        std::rethrow_exception(t.error());
    if constexpr (std::is_reference_v<T>) {
        return static_cast<T>(*t.value());
    } else if constexpr (Move && !std::is_void_v<T>) {
        if constexpr (std::copy_constructible<T>) {
            // Other handles keep their value: this one may be the copy that a combinator was given.
            if (t.shared()) return t.value();
        }
        return std::move(t.value());
    } else if constexpr (!std::is_void_v<T>) {
        return t.value();
    }
}

}  // namespace detail
}  // namespace green
