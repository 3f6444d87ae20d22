#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

#include <cstddef>
#include <utility>

namespace green {

/// A number of permits that tasks share: so many at once may do something. With one permit it is a
/// `mutex` that need not be released by its holder; to limit a set of tasks of your own see
/// `task_pool`.
///
/// **order:** first come, first served, also for a big request at the head of the queue, which those
/// behind it do not overtake; so `try_acquire` fails while anyone waits.
///
/// Loop-affine. Must outlive its permits and waiters. Models: asyncio.Semaphore,
/// golang.org/x/sync/semaphore.
///
///     semaphore connections(10);
///     auto permit = co_await connections.acquire();
class semaphore : public named {
public:
    class permit;
    class acquire_awaitable;

    /// `maximum`: of all permits, held ones counted too; a `release` above it is a std::logic_error, as
    /// with threading.BoundedSemaphore.
    explicit semaphore(std::size_t permits, std::size_t maximum = unlimited);
    semaphore(const semaphore&) = delete;
    semaphore& operator=(const semaphore&) = delete;

    static constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

    /// `auto p = co_await s.acquire()`: `n` permits, given back when `p` dies.
    /// **cancel:** total; the queue behind moves up.
    acquire_awaitable acquire(std::size_t n = 1) noexcept;
    /// An empty permit if there are not enough, or if others wait.
    permit try_acquire(std::size_t n = 1) noexcept;
    /// Adds permits: more than there were, or those that `permit::forget` kept. Wakes waiters in order.
    void release(std::size_t n = 1);

    /// Permits that nobody has.
    std::size_t available() const noexcept { return available_; }

private:
    bool take(std::size_t n) noexcept {
        if (!waiters_.empty() || available_ < n) return false;
        available_ -= n;
        return true;
    }
    void give_back(std::size_t n) {
        available_ += n;
        if (!waiters_.empty()) serve();
    }
    void serve();

    std::size_t available_;
    std::size_t total_;  // and those that are in permits
    std::size_t maximum_;
    detail::wait_queue waiters_;
};

/// Permits of a semaphore, given back when it is destroyed or `release()` is called. Move-only.
class [[nodiscard]] semaphore::permit {
public:
    permit() = default;
    permit(permit&& o) noexcept
        : semaphore_(std::exchange(o.semaphore_, nullptr)), count_(o.count_) {}
    permit& operator=(permit&& o) noexcept {
        if (this != &o) {
            release();
            semaphore_ = std::exchange(o.semaphore_, nullptr);
            count_ = o.count_;
        }
        return *this;
    }
    ~permit() { release(); }

    /// How many it holds; 0 when empty.
    std::size_t count() const noexcept { return semaphore_ ? count_ : 0; }
    explicit operator bool() const noexcept { return semaphore_ != nullptr; }
    void release() noexcept {
        if (semaphore_) std::exchange(semaphore_, nullptr)->give_back(count_);
    }
    /// Keeps the permits out of the semaphore: until somebody calls `semaphore::release`.
    void forget() noexcept {
        if (semaphore_) std::exchange(semaphore_, nullptr)->total_ -= count_;
    }

private:
    friend class semaphore;
    permit(semaphore& s, std::size_t n) noexcept : semaphore_(&s), count_(n) {}
    semaphore* semaphore_ = nullptr;
    std::size_t count_ = 0;
};

class semaphore::acquire_awaitable final : public detail::wait_node {
public:
    bool ready() noexcept { return semaphore_->take(count_); }
    void start() noexcept { semaphore_->waiters_.enlist(*this); }
    permit result() const {
        throw_if_orphaned();
        return permit(*semaphore_, count_);
    }
    void withdrawn() noexcept override {
        semaphore_->serve();  // it may have been too big for what is there, and others are not
    }
    void describe(std::string& out) const override;

private:
    friend class semaphore;
    acquire_awaitable(semaphore& s, std::size_t n) noexcept : semaphore_(&s), count_(n) {}
    semaphore* semaphore_;
    std::size_t count_;
};

inline semaphore::acquire_awaitable semaphore::acquire(std::size_t n) noexcept {
    return {*this, n};
}
inline semaphore::permit semaphore::try_acquire(std::size_t n) noexcept {
    return take(n) ? permit(*this, n) : permit();
}

}  // namespace green
