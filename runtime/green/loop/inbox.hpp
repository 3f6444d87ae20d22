#pragma once

#include <green/core/scheduler.hpp>

#include <atomic>

namespace green::detail {

/// Calls that other threads hand to a loop: a lock-free stack that the loop takes whole and runs oldest
/// first. Closed to begin with.
///
///     closed ──open()──► empty ◄──run_all()── calls
///        ▲                 └──────push()───────►│
///        └──────────────close_and_run()─────────┘
class inbox {
public:
    enum class pushed {
        refused,  // closed: the call stays the caller's
        first,  // the inbox was empty: the loop may be asleep
        more,  // the loop has been woken for an earlier one
    };

    /// From any thread.
    pushed push(remote_call& c) noexcept {
        remote_call* head = head_.load(std::memory_order_relaxed);
        do {
            if (head == &closed_) return pushed::refused;
            c.next = head;
        } while (!head_.compare_exchange_weak(
            head, &c, std::memory_order_acq_rel, std::memory_order_relaxed
        ));
        return head ? pushed::more : pushed::first;
    }
    /// From any thread. Sequentially consistent with close_and_run().
    bool is_closed() const noexcept { return head_.load(std::memory_order_seq_cst) == &closed_; }

    // --- the loop's thread, from here on

    void open() noexcept { head_.store(nullptr, std::memory_order_release); }
    /// Open, and something is in it.
    bool pending() const noexcept { return head_.load(std::memory_order_acquire) != nullptr; }
    /// Runs what has been pushed so far; what that pushes waits for the next time.
    void run_all() noexcept {
        if (pending()) run(head_.exchange(nullptr, std::memory_order_acquire));
    }
    /// The last time: what was accepted runs, what that pushes is refused.
    void close_and_run() noexcept { run(head_.exchange(&closed_, std::memory_order_seq_cst)); }

private:
    class mark final : public remote_call {
        void run() noexcept override {}
    };

    static void run(remote_call* newest) noexcept {
        remote_call* oldest = nullptr;
        while (newest) {
            remote_call* const next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        while (oldest) {
            remote_call* const next = oldest->next;
            oldest->run();  // may free itself
            oldest = next;
        }
    }

    inline static mark closed_;
    std::atomic<remote_call*> head_{&closed_};
};

}  // namespace green::detail
