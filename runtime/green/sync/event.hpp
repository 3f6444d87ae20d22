#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

namespace green {

/// A flag that tasks wait for. For something that happens once to a known number of times see `latch`,
/// for handing values over `channel`.
///
/// Loop-affine. Must outlive its waiters. Model: threading.Event.
///
///     event ready;
///     spawn([&]() -> task<> { co_await load(); ready.set(); });
///     co_await ready.wait();
///     if (!co_await move_on_after(1s, ready.wait())) …   // false: it did not come in time
class event : public named {
public:
    class wait_awaitable;

    event() = default;
    event(const event&) = delete;
    event& operator=(const event&) = delete;

    bool is_set() const noexcept { return set_; }

    /// Wakes all who wait now, in the order in which they began to, even if `clear` follows at once.
    /// Later waits do not suspend until `clear`.
    void set() {
        set_ = true;
        waiters_.grant_all();
    }
    void clear() noexcept { set_ = false; }

    /// `co_await e.wait()`: until it is set; at once if it is.
    /// **cancel:** total.
    wait_awaitable wait() noexcept;

private:
    bool set_ = false;
    detail::wait_queue waiters_;
};

class event::wait_awaitable final : public detail::wait_node {
public:
    bool ready() const noexcept { return event_->set_; }
    void start() noexcept { event_->waiters_.enlist(*this); }
    void result() const { throw_if_orphaned(); }
    void describe(std::string& out) const override { event_->describe(out, "event.wait"); }

private:
    friend class event;
    explicit wait_awaitable(event& e) noexcept : event_(&e) {}
    event* event_;
};

inline event::wait_awaitable event::wait() noexcept { return wait_awaitable(*this); }

}  // namespace green
