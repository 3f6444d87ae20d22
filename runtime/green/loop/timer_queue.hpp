#pragma once

#include <green/core/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace green::detail {

/// Something that is due at a point in time. Lives where it is needed (in an awaiter), so arming it
/// allocates nothing of its own; destroying it disarms nothing: its owner does that first.
class timer {
public:
    /// The deadline has come; the timer is no longer armed. Never called early.
    virtual void expired() noexcept = 0;

    bool armed() const noexcept { return place_ != unarmed; }
    clock::time_point deadline() const noexcept { return deadline_; }

protected:
    timer() = default;
    /// One that remembers a deadline until it is armed.
    explicit timer(clock::time_point deadline) noexcept : deadline_(deadline) {}
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    ~timer() = default;

private:
    friend class timer_queue;
    static constexpr std::uint32_t unarmed = static_cast<std::uint32_t>(-1);

    clock::time_point deadline_{};
    std::uint64_t order_ = 0;  // in a bucket: see timer_queue::entry
    union {
        std::size_t slot_ = 0;  // in the run or the heap
        timer** in_chunk_;  // in a bucket
    };
    std::uint32_t place_ = unarmed;  // a bucket's number, or one of timer_queue's places
};

/// All deadlines of a loop, in the order of their deadlines, then of arming.
///
/// What is due in the present tick is in order, the rest waits unordered in buckets. The buckets are a
/// hierarchical timing wheel (Varghese and Lauck, 1987) of absolute times. A tick is 2^20 ns, about a
/// millisecond; read it as a number in base 64:
///
///      tick of the cursor     0  0  0  0  0  7 12 61
///      tick of a deadline     0  0  0  0  0  7 14  3
///                                             ▲ the first digit that differs says where
///      level 0, a tick each      [ 0 ··· 63]  │
///      level 1, 64 ticks each    [ 0 ··· 14 ··· 63]  ◄─ into bucket 14 of level 1
///      level 2, 64² ticks each   [ 0 ··· 63]
///      …
///      run: what was in the bucket of the cursor's tick, sorted once
///      heap: what has been armed since for a tick that is not behind the cursor's
///
/// A million timers cost cache misses above all. So a bucket is an array of pointers in chunks, and
/// who goes through it can fetch the next timers while it moves one; a list would make it wait for each.
///
/// So a level only has buckets after the cursor's digit, every bucket of a level comes before every
/// bucket of the next level, and the first bucket in use is two bit searches away. When its time
/// comes the cursor goes to the bucket's first tick, and its timers move to the run or to lower levels:
/// seven moves at most, for a timer that is centuries away.
class timer_queue {
public:
    timer_queue() = default;
    timer_queue(const timer_queue&) = delete;
    timer_queue& operator=(const timer_queue&) = delete;
    ~timer_queue();

    /// `time_point::max()` is "never": such a timer is not queued.
    void arm(timer& t, clock::time_point deadline) { insert(t, deadline, ++armed_); }
    /// The same for a limit: of what is due at one instant, limits come last, and only after the
    /// tasks that the others woke have had a turn. So a value wins a tie with its timeout.
    void arm_limit(timer& t, clock::time_point deadline) {
        insert(t, deadline, ++armed_ | limit_bit);
    }
    void disarm(timer& t) noexcept;

    bool empty() const noexcept { return near_empty() && levels_ == 0; }
    std::size_t size() const noexcept { return run_left_ + heap_.size() + in_buckets_; }
    /// The first deadline; only when not empty. For a clock that is about to show it.
    clock::time_point first();
    /// When to look again, as far as that can be told cheaply: not after the first deadline, and
    /// `fire` at that time makes progress. Only when not empty.
    clock::time_point wake_at();

    /// Calls `expired()` of the timers that were due at `now` when the call began, in order. A timer
    /// armed meanwhile waits for the next call, even if it is due, and so does a limit behind a
    /// timer that fired.
    std::size_t fire(clock::time_point now) noexcept;

    /// Gives memory back after a burst, and forgets the time: the next run may have another clock.
    void trim();

private:
    /// In the run and the heap. `order` counts the timers armed, with `limit_bit` for limits.
    struct entry {
        clock::time_point deadline;
        std::uint64_t order;
        timer* owner;
    };
    static constexpr std::uint64_t limit_bit = std::uint64_t{1} << 63;
    static constexpr std::uint32_t place_in_run = timer::unarmed - 1;
    static constexpr std::uint32_t place_in_heap = timer::unarmed - 2;

    static bool before(const entry& a, const entry& b) noexcept {
        return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
    }
    void place(std::size_t slot, const entry& e) noexcept {
        heap_[slot] = e;
        e.owner->slot_ = slot;
    }
    void insert(timer& t, clock::time_point deadline, std::uint64_t order);
    bool near_empty() const noexcept { return run_left_ == 0 && heap_.empty(); }
    const entry& nearest() noexcept;
    void take_nearest() noexcept;
    void push_heap(const entry& e);
    void sift_up(std::size_t slot, entry e) noexcept;
    void sift_down(std::size_t slot, entry e) noexcept;
    void remove_at(std::size_t slot) noexcept;

    // Ticks and buckets. Times before 0 are tick 0, like all that is over.
    using tick = std::uint64_t;
    static constexpr unsigned tick_bits = 20;
    static constexpr unsigned digit_bits = 6;
    static constexpr unsigned buckets = 1U << digit_bits;
    static constexpr unsigned levels = (63 - tick_bits + digit_bits - 1) / digit_bits;

    static tick tick_of(clock::time_point t) noexcept {
        auto const ns = t.time_since_epoch().count();
        return ns > 0 ? static_cast<tick>(ns) >> tick_bits : 0;
    }
    struct chunk;
    struct bucket_place {
        unsigned level;
        unsigned digit;
        tick first;
    };
    bucket_place first_bucket() const noexcept;
    void put_in_bucket(timer& t, tick due);
    void take_from_bucket(timer& t) noexcept;
    void bucket_is_empty(unsigned level, unsigned digit) noexcept;
    bool advance(tick present);
    void open(const bucket_place& b) noexcept;

    // Together every timer whose tick is not after the cursor.
    std::vector<entry> run_;  // in order; without an owner: disarmed
    std::size_t run_next_ = 0;
    std::size_t run_left_ = 0;  // armed
    std::vector<entry> heap_;

    tick cursor_ = 0;
    std::size_t in_buckets_ = 0;
    std::uint64_t levels_ = 0;  // a bit per level with a bucket in use
    std::array<std::uint64_t, levels> in_use_{};  // a bit per bucket in use
    std::array<chunk*, std::size_t{levels} * buckets> bucket_{};
    std::uint64_t armed_ = 0;
};

}  // namespace green::detail
