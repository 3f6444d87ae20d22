#pragma once

#include <atomic>

namespace green::detail {

/// What threads hand to one taker: a lock-free stack that is taken whole, oldest first. Closed to begin
/// with. `T` has a member `T* next`; an element belongs to whoever has it, and is not copied.
///
///     closed ──open()──► empty ◄──take()── elements
///        ▲                 └────push()────────►│
///        └───────────take_and_close()──────────┘
///
/// Every step is sequentially consistent: who pushes and then sees that the taker is not asleep is seen
/// by a taker who says that it sleeps and then looks at pending().
template <class T>
class inbox {
public:
    enum class pushed {
        refused,  // closed: the element stays the caller's
        first,  // the inbox was empty: the taker may be asleep
        more,  // whoever pushed the first one has seen to that
    };

    inbox() noexcept : head_(closed()) {}
    inbox(const inbox&) = delete;
    inbox& operator=(const inbox&) = delete;

    /// From any thread.
    pushed push(T& e) noexcept {
        T* head = head_.load(std::memory_order_relaxed);
        do {
            if (head == closed()) return pushed::refused;
            e.next = head;
        } while (!head_.compare_exchange_weak(
            head, &e, std::memory_order_seq_cst, std::memory_order_relaxed
        ));
        return head ? pushed::more : pushed::first;
    }
    /// From any thread.
    bool is_closed() const noexcept { return head_.load() == closed(); }

    // --- for the taker; who takes is one at a time

    void open() noexcept { head_.store(nullptr); }
    /// Open, and something is in it.
    bool pending() const noexcept {
        T* const head = head_.load();
        return head && head != closed();
    }
    /// What has been pushed so far, a list from the oldest to the newest; null if it is nothing.
    T* take() noexcept { return pending() ? oldest_first(head_.exchange(nullptr)) : nullptr; }
    /// The last time: what is pushed from now on is refused.
    T* take_and_close() noexcept {
        T* const newest = head_.exchange(closed());
        return newest == closed() ? nullptr : oldest_first(newest);
    }

private:
    /// An address that no element has.
    T* closed() const noexcept {
        return reinterpret_cast<T*>(const_cast<inbox*>(this));  // NOLINT: it is only compared
    }

    static T* oldest_first(T* newest) noexcept {
        T* oldest = nullptr;
        while (newest) {
            T* const next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        return oldest;
    }

    std::atomic<T*> head_;
};

}  // namespace green::detail
