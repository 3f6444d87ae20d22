#pragma once

// Internal: the waiters of all primitives in sync/.

#include <green/core/intrusive_list.hpp>
#include <green/core/leaf.hpp>
#include <green/core/scheduler.hpp>

#include <cassert>
#include <cstdint>

namespace green::detail {

class wait_queue;
class wait_node;

/// A task that waits in several queues at once, of which one will count: a `select`.
class wait_chooser {
public:
    /// `n` is granted and unlinked; the others are to be withdrawn and the task to be woken.
    virtual void chosen(wait_node& n) = 0;
    virtual green_task& chooser() const noexcept = 0;

protected:
    ~wait_chooser() = default;
};

/// A green task's place in the queue of a primitive. It lives in the waiting task's frame.
///
///     idle ──enlist──► queued ──grant──► granted      the task resumes with what it was handed
///                        │ └──the primitive dies──► orphaned      … with a std::logic_error
///                        └──cancel, or another case of a select──► idle
///
/// Hand-off is direct: whoever gives (an item, a permit, a lock) stores it with the first waiter,
/// unlinks and wakes it. What a granted waiter has is its own, so a cancel that comes later does not
/// lose it, and nobody who comes later can take it away.
class wait_node : public leaf, public list_node<wait_node> {
public:
    wait_node(const wait_node&) noexcept : leaf(), list_node() {}
    wait_node& operator=(const wait_node&) = delete;

    bool cancel() noexcept override {
        unlink();
        withdrawn();
        return true;
    }
    /// Leaves the queue with nothing; `withdrawn` is to follow.
    void unlink() noexcept;
    /// Has left its queue with nothing. A primitive whose queue may move on now, overrides this. A
    /// select calls it only after all of its nodes have left: it may grant any wait that is queued.
    virtual void withdrawn() noexcept {}

    /// The wait is over; this is unlinked and has what it was handed.
    void grant();

    green_task& task() const noexcept { return chooser_ ? chooser_->chooser() : waiter(); }
    void choose_by(wait_chooser& c) noexcept { chooser_ = &c; }
    bool queued() const noexcept { return state_ == state::queued; }

protected:
    wait_node() = default;
    ~wait_node() { assert(!queued()); }

    /// To begin `result()` with.
    void throw_if_orphaned() const {
        if (state_ == state::orphaned) [[unlikely]]
            throw_orphaned();
    }

private:
    friend class wait_queue;
    enum class state : std::uint8_t { idle, queued, granted, orphaned };
    [[noreturn]] void throw_orphaned() const;

    wait_queue* queue_ = nullptr;
    wait_chooser* chooser_ = nullptr;
    state state_ = state::idle;
};

/// The waiters of a primitive, first come, first served.
///
/// A primitive must outlive its waiters. One that does not is an error of the program: builds with
/// assertions say who waits for what and abort; others wake the waiters with a std::logic_error.
class wait_queue {
public:
    wait_queue() = default;
    ~wait_queue() {
        if (!empty()) [[unlikely]]
            orphan_all();
    }

    bool empty() const noexcept { return nodes_.empty(); }
    wait_node* front() const noexcept { return nodes_.front(); }

    void enlist(wait_node& n) noexcept {
        nodes_.push_back(n);
        n.queue_ = this;
        n.state_ = wait_node::state::queued;
    }
    void remove(wait_node& n) noexcept {
        nodes_.remove(n);
        n.state_ = wait_node::state::idle;
    }
    /// Unlinks `n`, which has what it waited for, and wakes it.
    void grant(wait_node& n) {
        n.task().owner().check_thread();  // before anything has changed
        nodes_.remove(n);
        n.grant();
    }
    /// Wakes those that wait now, in order.
    void grant_all() {
        while (wait_node* n = front()) grant(*n);
    }

private:
    void orphan_all();

    intrusive_list<wait_node> nodes_;
};

inline void wait_node::unlink() noexcept { queue_->remove(*this); }

inline void wait_node::grant() {
    if (state_ != state::orphaned) state_ = state::granted;
    if (chooser_) [[unlikely]]
        return chooser_->chosen(*this);
    waiter().wake();
}

#ifndef NDEBUG
[[noreturn]] void abort_for_orphan(const wait_node& n) noexcept;
#endif

inline void wait_queue::orphan_all() {
#ifndef NDEBUG
    abort_for_orphan(*front());
#else
    while (wait_node* n = front()) {
        nodes_.remove(*n);
        n->state_ = wait_node::state::orphaned;
        n->grant();
    }
#endif
}

}  // namespace green::detail
