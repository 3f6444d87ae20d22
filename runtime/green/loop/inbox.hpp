#pragma once

#include <green/core/processor.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

namespace green::detail {

/// Where the elements are that were pushed last. The links of a stack lead its taker from one to the next,
/// and each is still in the cache of the processor that pushed it: here it learns of several at a time, and has
/// them fetched ahead. Nothing else may be done with these addresses, which may be missing or out of date.
class recent_pushes {
public:
    void note(const void* element) noexcept {
        std::size_t const n = count_.load(std::memory_order_relaxed);
        places_[n % places_.size()].store(element, std::memory_order_relaxed);
        count_.store(n + 1, std::memory_order_relaxed);
    }

    /// Goes from the newest to the oldest that was pushed since the last one of these was made.
    class prefetcher {
    public:
        prefetcher(const recent_pushes& of, std::size_t newest, std::size_t end) noexcept
            : of_(of), next_(newest), end_(end) {
            for (int i = 0; i < distance; ++i) prefetch();
        }
        void prefetch() noexcept {
            if (next_ != end_) prefetch_around(of_.place(--next_));
        }

    private:
        static constexpr int distance = 8;

        const recent_pushes& of_;
        std::size_t next_;
        std::size_t end_;
    };
    /// For the taker.
    prefetcher newest_first() noexcept {
        std::size_t const pushed = count_.load(std::memory_order_relaxed);
        return prefetcher(*this, pushed, std::exchange(taken_, pushed));
    }

private:
    const void* place(std::size_t n) const noexcept {
        return places_[n % places_.size()].load(std::memory_order_relaxed);
    }

    std::atomic<std::size_t> count_{0};
    std::size_t taken_ = 0;
    std::array<std::atomic<const void*>, 512> places_{};
};

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
        recent_.note(&e);
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

    T* oldest_first(T* newest) noexcept {
        auto ahead = recent_.newest_first();
        T* oldest = nullptr;
        while (newest) {
            ahead.prefetch();
            T* const next = newest->next;
            newest->next = oldest;
            oldest = newest;
            newest = next;
        }
        return oldest;
    }

    std::atomic<T*> head_;
    recent_pushes recent_;
};

}  // namespace green::detail
