#pragma once

#include <green/core/task.hpp>
#include <green/sync/mutex.hpp>

#include <concepts>

namespace green {

/// Waiting for a state that a mutex guards. Where a flag or a value is all there is to wait for, an
/// `event`, a `latch` or a `channel` is simpler.
///
/// Loop-affine. Must outlive its waiters. Model: std::condition_variable, asyncio.Condition.
///
///     auto guard = co_await m.lock();
///     co_await ready.wait(guard, [&] { return !jobs.empty(); });
class condition : public named {
public:
    class wait_awaitable;

    condition() = default;
    condition(const condition&) = delete;
    condition& operator=(const condition&) = delete;
    ~condition();

    /// `co_await c.wait(guard)`: releases the guard's mutex, waits to be notified, and holds the mutex
    /// again. Never wakes without a notification. A guard that holds no lock is a std::logic_error.
    ///
    /// **cancel:** total, but the lock is not taken again: the guard is empty while the task is
    /// unwound. A `notify_one` that this waiter had got goes to the next.
    /// **order:** notified first come, first served; then each waits for the mutex as `lock()` does.
    wait_awaitable wait(mutex::guard& guard) noexcept;
    /// The same until `predicate()` is true; at once if it is.
    template <std::predicate P>
    task<> wait(mutex::guard& guard, P predicate);

    /// With or without the lock held.
    void notify_one();
    /// Wakes those who wait now.
    void notify_all();

private:
    void notify(wait_awaitable& w);

    detail::wait_queue waiters_;
    // Those that have got a notify_one and wait for the mutex, in whose queue they are.
    detail::intrusive_list<wait_awaitable> notified_;
};

class condition::wait_awaitable final : public detail::wait_node,
                                        public detail::list_node<condition::wait_awaitable> {
    using notified_node = detail::list_node<wait_awaitable>;

public:
    static constexpr bool leaves_traces = true;  // not for a select

    wait_awaitable(const wait_awaitable& o) noexcept
        : wait_node(o), notified_node(), condition_(o.condition_), guard_(o.guard_) {}
    wait_awaitable& operator=(const wait_awaitable&) = delete;

    bool ready() const {
        if (!guard_->owns_lock()) throw_no_lock();
        return false;
    }
    void start();
    void result() {
        forget_notification();
        throw_if_orphaned();
        guard_->unlock();
        guard_->mutex_ = mutex_;
        mutex_->owner_ = std::move(holder_);
    }
    void withdrawn() noexcept override;
    void describe(std::string& out) const override;
    const detail::green_task* blocked_by() const noexcept override;

private:
    friend class condition;

    wait_awaitable(condition& c, mutex::guard& g) noexcept : condition_(&c), guard_(&g) {}
    [[noreturn]] void throw_no_lock() const;
    /// True if it had got a notify_one.
    bool forget_notification() noexcept {
        if (!notified_node::linked()) return false;
        condition_->notified_.remove(*this);
        return true;
    }

    condition* condition_;
    mutex::guard* guard_;
    mutex* mutex_ = nullptr;  // released in start()
    // Who held it then and will again: the task that waits, or one that does so with a time limit.
    detail::task_ref<detail::green_task> holder_;
    bool locking_ = false;  // in the mutex's queue
};

inline condition::wait_awaitable condition::wait(mutex::guard& guard) noexcept {
    return {*this, guard};
}

template <std::predicate P>
task<> condition::wait(mutex::guard& guard, P predicate) {
    bool met = predicate();
    while (!met) {
        co_await wait(guard);
        met = predicate();
    }
}

}  // namespace green
