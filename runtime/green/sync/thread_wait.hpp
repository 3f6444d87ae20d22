#pragma once

// Internal: the waiters of thread_queue, which are threads and green tasks of any loop.

#include <green/core/intrusive_list.hpp>
#include <green/core/leaf.hpp>
#include <green/core/named.hpp>
#include <green/core/scheduler.hpp>

#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

namespace green::detail {

/// On the thread of a running loop; std::logic_error.
[[noreturn]] void throw_would_block(const char* operation);

/// Who waits: a thread that blocks, or a green task.
class thread_waker {
public:
    /// The wait is over. The mutex of the queue is held; what waits may be gone as soon as it is free,
    /// or as soon as the call to its loop is on its way.
    virtual void wake() noexcept = 0;

protected:
    ~thread_waker() = default;
};

/// A place in the queue of a thread_queue. All of it under the queue's mutex.
class thread_wait_node : public list_node<thread_wait_node> {
public:
    thread_wait_node() = default;
    /// Before it is queued only.
    thread_wait_node(const thread_wait_node&) noexcept : list_node() {}
    thread_wait_node& operator=(const thread_wait_node&) = delete;

    void wake_through(thread_waker& w) noexcept { waker_ = &w; }

private:
    friend class thread_wait_queue;
    thread_waker* waker_ = nullptr;
};

/// The same interface as wait_queue.
class thread_wait_queue {
public:
    bool empty() const noexcept { return nodes_.empty(); }
    thread_wait_node* front() const noexcept { return nodes_.front(); }
    void enlist(thread_wait_node& n) noexcept { nodes_.push_back(n); }
    void remove(thread_wait_node& n) noexcept { nodes_.remove(n); }
    void grant(thread_wait_node& n) noexcept {
        nodes_.remove(n);
        n.waker_->wake();
    }
    void grant_all() noexcept {
        while (thread_wait_node* n = front()) grant(*n);
    }

private:
    intrusive_list<thread_wait_node> nodes_;
};

/// A thread that blocks.
class thread_blocker final : public thread_waker {
public:
    /// Until `n` is no longer queued. False if `limit` came first; `n` is still queued then.
    bool wait(
        std::unique_lock<std::mutex>& lock,
        const thread_wait_node& n,
        std::chrono::nanoseconds limit
    ) {
        return wait(lock, [&n] { return !n.linked(); }, limit);
    }
    /// The same until `over()`.
    template <std::predicate Over>
    bool wait(std::unique_lock<std::mutex>& lock, Over over, std::chrono::nanoseconds limit) {
        auto const start = std::chrono::steady_clock::now();
        if (limit > std::chrono::steady_clock::time_point::max() - start) {
            woken_.wait(lock, over);
            return true;
        }
        return woken_.wait_until(lock, start + limit, over);
    }

private:
    void wake() noexcept override { woken_.notify_one(); }

    std::condition_variable woken_;
};

/// What the operations of a thread_queue have in common: awaited in a green task, or done already by a
/// thread that has blocked for it.
class thread_operation : public leaf, protected thread_waker, private remote_call {
public:
    thread_operation& operator=(const thread_operation&) = delete;

    void describe(std::string& out) const override;

protected:
    /// `what` and `object` are for dumps, and for the report of an operation that was made on a loop's
    /// thread and not awaited: nobody would notice that nothing has happened.
    thread_operation(const char* what, const named& object) noexcept
        : what_(what), object_(&object), to_be_awaited_(scheduler::current() != nullptr) {}
    /// Before it is awaited only.
    thread_operation(thread_operation&& o) noexcept
        : leaf(),
          thread_waker(),
          remote_call(),
          what_(o.what_),
          object_(o.object_),
          to_be_awaited_(std::exchange(o.to_be_awaited_, false)) {}
    ~thread_operation() {
        if (to_be_awaited_) [[unlikely]]
            report_forgotten();
    }

    bool to_be_awaited() const noexcept { return to_be_awaited_; }
    void being_awaited() noexcept { to_be_awaited_ = false; }

    // For a green task: it begins to wait, or has left without being woken.
    void expect_wake() noexcept;
    void leave() noexcept;
    void wake() noexcept override;

private:
    void report_forgotten() const noexcept;
    /// It was asked to end, was in flight, and has ended because of that.
    virtual bool withdrawn() const noexcept { return false; }
    void run() noexcept override;  // on the loop's thread

    const char* what_;
    const named* object_;
    bool to_be_awaited_;
};

}  // namespace green::detail
