#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

#include <cstddef>

namespace green {

/// Opens when it has been counted down to zero, once. For a meeting point that is used again see
/// `barrier`; to wait for tasks themselves `joinall` or `with_group`.
///
/// Loop-affine. Must outlive its waiters. Model: std::latch.
class latch : public named {
public:
    class wait_awaitable;

    explicit latch(std::size_t count) noexcept : count_(count) {}
    latch(const latch&) = delete;
    latch& operator=(const latch&) = delete;

    /// At zero wakes all waiters, in the order in which they began to wait. Below zero:
    /// std::logic_error, and nothing changes.
    void count_down(std::size_t n = 1);
    bool try_wait() const noexcept { return count_ == 0; }

    /// `co_await l.wait()`: until the count is zero.
    /// **cancel:** total.
    wait_awaitable wait() noexcept;
    /// `co_await l.arrive_and_wait()`: `count_down(n)`, then `wait()`.
    /// **cancel:** of the wait; what has been counted stays counted.
    wait_awaitable arrive_and_wait(std::size_t n = 1) noexcept;

private:
    std::size_t count_;
    detail::wait_queue waiters_;
};

class latch::wait_awaitable final : public detail::wait_node {
public:
    static constexpr bool leaves_traces = true;  // not for a select

    bool ready() {
        latch_->count_down(arriving_);
        return latch_->try_wait();
    }
    void start() noexcept { latch_->waiters_.enlist(*this); }
    void result() const { throw_if_orphaned(); }
    void describe(std::string& out) const override;

private:
    friend class latch;
    wait_awaitable(latch& l, std::size_t arriving) noexcept : latch_(&l), arriving_(arriving) {}
    latch* latch_;
    std::size_t arriving_;
};

inline latch::wait_awaitable latch::wait() noexcept { return {*this, 0}; }
inline latch::wait_awaitable latch::arrive_and_wait(std::size_t n) noexcept { return {*this, n}; }

}  // namespace green
