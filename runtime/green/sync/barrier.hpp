#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

#include <cstddef>

namespace green {

/// A meeting point for a fixed number of tasks, again and again: nobody passes before all have come.
/// For one that is used once see `latch`.
///
/// Loop-affine. Must outlive its waiters. Model: std::barrier, asyncio.Barrier.
class barrier : public named {
public:
    class arrive_awaitable;

    /// For `parties` tasks, one at least: std::invalid_argument.
    explicit barrier(std::size_t parties);
    barrier(const barrier&) = delete;
    barrier& operator=(const barrier&) = delete;

    /// `bool last = co_await b.arrive_and_wait()`: until all parties have arrived. True for the one who
    /// came last, which does not suspend; the others resume in the order in which they came.
    /// **cancel:** total: it has not arrived, and the others go on waiting.
    arrive_awaitable arrive_and_wait() noexcept;
    /// One party less, for this round and all that follow; never the last one: std::logic_error.
    void arrive_and_drop();

    std::size_t parties() const noexcept { return parties_; }
    /// How many wait now.
    std::size_t waiting() const noexcept { return waiting_; }

private:
    void open() {
        waiting_ = 0;
        waiters_.grant_all();
    }

    std::size_t parties_;
    std::size_t waiting_ = 0;
    detail::wait_queue waiters_;
};

class barrier::arrive_awaitable final : public detail::wait_node {
public:
    static constexpr bool leaves_traces = true;  // not for a select

    bool ready() {
        if (barrier_->waiting_ + 1 < barrier_->parties_) return false;
        barrier_->open();
        last_ = true;
        return true;
    }
    void start() noexcept {
        last_ = false;
        ++barrier_->waiting_;
        barrier_->waiters_.enlist(*this);
    }
    bool result() const {
        throw_if_orphaned();
        return last_;
    }
    void withdrawn() noexcept override { --barrier_->waiting_; }
    void describe(std::string& out) const override;

private:
    friend class barrier;
    explicit arrive_awaitable(barrier& b) noexcept : barrier_(&b) {}
    barrier* barrier_;
    bool last_ = false;
};

inline barrier::arrive_awaitable barrier::arrive_and_wait() noexcept {
    return arrive_awaitable(*this);
}

}  // namespace green
