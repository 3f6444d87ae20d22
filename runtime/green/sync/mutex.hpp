#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

#include <utility>

namespace green {

/// Mutual exclusion of green tasks across `co_await`. Between two awaits a task is alone anyway: only
/// what must stay whole across one needs a lock. For several holders at once see `semaphore` and
/// `shared_mutex`; for threads std::mutex.
///
/// **order:** first come, first served. A lock that is released goes straight to the first waiter, so
/// `try_lock` never overtakes a queue. Not recursive: a task that locks what it holds gets a
/// std::logic_error.
///
/// Loop-affine. Must outlive its guards and waiters. Models: asyncio.Lock, trio.StrictFIFOLock.
///
///     auto guard = co_await accounts.lock();
class mutex : public named {
public:
    class guard;
    class lock_awaitable;

    mutex() = default;
    mutex(const mutex&) = delete;
    mutex& operator=(const mutex&) = delete;

    /// `auto g = co_await m.lock()`: the lock is held as long as the guard lives.
    /// **cancel:** total; the queue behind moves up.
    lock_awaitable lock() noexcept;
    /// An empty guard if it is locked. Only in a green task: std::logic_error.
    guard try_lock();
    bool locked() const noexcept { return static_cast<bool>(owner_); }

private:
    friend class condition;

    void take(detail::green_task& t) { owner_ = detail::task_ref(&t); }
    void unlock();
    void throw_if_held_by(const detail::green_task& t) const;
    void describe_wait(std::string& out) const;

    detail::task_ref<detail::green_task> owner_;
    detail::wait_queue waiters_;
};

/// Holds a mutex until it is destroyed or `unlock()` is called. Move-only; the task that moves it last
/// counts as the holder.
class [[nodiscard]] mutex::guard {
public:
    guard() = default;
    guard(guard&& o) noexcept : mutex_(std::exchange(o.mutex_, nullptr)) { adopt(); }
    guard& operator=(guard&& o) noexcept {
        if (this != &o) {
            unlock();
            mutex_ = std::exchange(o.mutex_, nullptr);
            adopt();
        }
        return *this;
    }
    ~guard() { unlock(); }

    bool owns_lock() const noexcept { return mutex_ != nullptr; }
    explicit operator bool() const noexcept { return owns_lock(); }
    /// Before the end of its life. Does nothing if it holds no lock.
    void unlock() noexcept {
        if (mutex_) std::exchange(mutex_, nullptr)->unlock();
    }

private:
    friend class mutex;
    friend class condition;
    explicit guard(mutex& m) noexcept : mutex_(&m) {}
    void adopt() noexcept {
        if (!mutex_) return;
        detail::scheduler* const s = detail::scheduler::current();
        if (s && s->running() && s->running() != mutex_->owner_.get()) mutex_->take(*s->running());
    }

    mutex* mutex_ = nullptr;
};

class mutex::lock_awaitable final : public detail::wait_node {
public:
    bool ready() {
        detail::green_task& t = *detail::scheduler::current()->running();
        if (!mutex_->locked()) {
            mutex_->take(t);
            return true;
        }
        mutex_->throw_if_held_by(t);
        return false;
    }
    void start() noexcept { mutex_->waiters_.enlist(*this); }
    guard result() const {
        throw_if_orphaned();
        return guard(*mutex_);
    }
    void describe(std::string& out) const override { mutex_->describe_wait(out); }
    const detail::green_task* blocked_by() const noexcept override { return mutex_->owner_.get(); }

private:
    friend class mutex;
    explicit lock_awaitable(mutex& m) noexcept : mutex_(&m) {}
    mutex* mutex_;
};

inline mutex::lock_awaitable mutex::lock() noexcept { return lock_awaitable(*this); }

}  // namespace green
