#pragma once

#include <green/core/time.hpp>

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

    bool armed() const noexcept { return slot_ != unarmed; }
    clock::time_point deadline() const noexcept { return deadline_; }

protected:
    timer() = default;
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    ~timer() = default;

private:
    friend class timer_queue;
    static constexpr std::size_t unarmed = static_cast<std::size_t>(-1);

    clock::time_point deadline_{};
    std::size_t slot_ = unarmed;
};

/// All deadlines of a loop: a 4-ary heap ordered by deadline, then by the order of arming.
class timer_queue {
public:
    /// `time_point::max()` is "never": such a timer is not queued.
    void arm(timer& t, clock::time_point deadline) { insert(t, deadline, ++armed_); }
    /// The same for a limit: of what is due at one instant, limits come last, and only after the
    /// tasks that the others woke have had a turn. So a value wins a tie with its timeout.
    void arm_limit(timer& t, clock::time_point deadline) { insert(t, deadline, ++armed_ | limit_bit); }
    void disarm(timer& t) noexcept;

    bool empty() const noexcept { return heap_.empty(); }
    std::size_t size() const noexcept { return heap_.size(); }
    /// The first deadline; only when not empty.
    clock::time_point first() const noexcept { return heap_.front().deadline; }

    /// Calls `expired()` of the timers that were due at `now` when the call began, in order. A timer
    /// armed meanwhile waits for the next call, even if it is due, and so does a limit behind a
    /// timer that fired.
    std::size_t fire(clock::time_point now) noexcept;

    /// Gives memory back after a burst.
    void trim();

private:
    struct entry {
        clock::time_point deadline;
        std::uint64_t order;
        timer* owner;
    };
    static constexpr std::uint64_t limit_bit = std::uint64_t{1} << 63;

    static bool before(const entry& a, const entry& b) noexcept {
        return a.deadline != b.deadline ? a.deadline < b.deadline : a.order < b.order;
    }
    void place(std::size_t slot, const entry& e) noexcept {
        heap_[slot] = e;
        e.owner->slot_ = slot;
    }
    void insert(timer& t, clock::time_point deadline, std::uint64_t order);
    void sift_up(std::size_t slot, entry e) noexcept;
    void sift_down(std::size_t slot, entry e) noexcept;
    void remove_at(std::size_t slot) noexcept;

    std::vector<entry> heap_;
    std::uint64_t armed_ = 0;
};

} // namespace green::detail
