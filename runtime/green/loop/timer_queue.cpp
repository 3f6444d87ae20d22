#include <green/loop/timer_queue.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <functional>
#include <utility>

namespace green::detail {

void timer_queue::insert(timer& t, clock::time_point deadline, std::uint64_t order) {
    assert(!t.armed());
    t.deadline_ = deadline;
    if (deadline == clock::time_point::max()) return;
    tick const due = tick_of(deadline);
    if (due <= cursor_) return push_heap({deadline, order, &t});
    t.order_ = order;
    put_in_bucket(t, due);
}

void timer_queue::disarm(timer& t) noexcept {
    if (t.link_) return take_from_bucket(t);
    if (t.slot_ == timer::unarmed) return;
    std::size_t const slot = std::exchange(t.slot_, timer::unarmed);
    remove_at(slot);
}

std::size_t timer_queue::fire(clock::time_point now) noexcept {
    std::uint64_t const limit = armed_;
    bool fired_timer = false;
    std::size_t fired = 0;
    // Bucket by bucket: a loop that is late does not pile all that is due into the heap first.
    do {
        while (!heap_.empty() && heap_.front().deadline <= now) {
            bool const is_limit = (heap_.front().order & limit_bit) != 0;
            if ((heap_.front().order & ~limit_bit) > limit) return fired;
            if (is_limit && fired_timer) return fired;
            fired_timer = fired_timer || !is_limit;
            timer& t = *heap_.front().owner;
            t.slot_ = timer::unarmed;
            remove_at(0);
            ++fired;
            t.expired();
        }
    } while (heap_.empty() && advance(tick_of(now)));
    return fired;
}

clock::time_point timer_queue::first() {
    while (heap_.empty()) open(first_bucket());
    return heap_.front().deadline;
}

clock::time_point timer_queue::wake_at() {
    if (heap_.empty()) {
        // Buckets of one tick are near enough to be opened early, which spares a look at the time
        // when they begin. With a far one the cursor would run ahead, and all that is armed
        // meanwhile would crowd in the heap.
        bucket_place const b = first_bucket();
        if (b.level > 0) {
            auto const ns = static_cast<clock::rep>(b.first << tick_bits);
            return clock::time_point(clock::duration(ns));
        }
        open(b);
    }
    return heap_.front().deadline;
}

void timer_queue::trim() {
    if (!empty()) return;
    heap_ = {};
    cursor_ = 0;
}

// --- the buckets

timer_queue::bucket_place timer_queue::first_bucket() const noexcept {
    assert(levels_ != 0);
    auto const level = static_cast<unsigned>(std::countr_zero(levels_));
    auto const digit = static_cast<unsigned>(std::countr_zero(in_use_[level]));
    unsigned const shift = level * digit_bits;
    tick const higher_digits = cursor_ >> shift >> digit_bits;
    return {level, digit, (higher_digits << digit_bits | digit) << shift};
}

void timer_queue::put_in_bucket(timer& t, tick due) noexcept {
    assert(due > cursor_);
    unsigned const level = (static_cast<unsigned>(std::bit_width(due ^ cursor_)) - 1) / digit_bits;
    unsigned const digit = due >> (level * digit_bits) & (buckets - 1);
    timer*& head = bucket_[level * buckets + digit];
    if (head) {
        head->link_ = &t.next_;
    } else {
        in_use_[level] |= std::uint64_t{1} << digit;
        levels_ |= std::uint64_t{1} << level;
    }
    t.next_ = head;
    t.link_ = &head;
    head = &t;
    ++in_buckets_;
}

void timer_queue::take_from_bucket(timer& t) noexcept {
    timer* const next = t.next_;
    timer** const link = std::exchange(t.link_, nullptr);
    t.slot_ = timer::unarmed;
    *link = next;
    --in_buckets_;
    if (next) {
        next->link_ = link;
        return;
    }
    // Without a timer on either side this was the last one. Only then is `link` a bucket.
    std::less<> const below;
    if (below(link, bucket_.data()) || !below(link, bucket_.data() + bucket_.size())) return;
    auto const index = static_cast<std::size_t>(link - bucket_.data());
    std::uint64_t& level = in_use_[index / buckets];
    level &= ~(std::uint64_t{1} << index % buckets);
    if (level == 0) levels_ &= ~(std::uint64_t{1} << index / buckets);
}

/// Opens the first bucket if its time has come by `present`; otherwise nothing is left behind the
/// cursor, which catches up.
bool timer_queue::advance(tick present) {
    if (present <= cursor_) return false;
    if (levels_ != 0) {
        bucket_place const b = first_bucket();
        if (b.first <= present) {
            open(b);
            return true;
        }
    }
    cursor_ = present;
    return false;
}

/// Moves the cursor to the first bucket in use and its timers to where they now belong. The heap may
/// grow here, by a bucket at most; without memory for that the program ends.
void timer_queue::open(const bucket_place& b) {
    timer* t = std::exchange(bucket_[b.level * buckets + b.digit], nullptr);
    in_use_[b.level] &= ~(std::uint64_t{1} << b.digit);
    if (in_use_[b.level] == 0) levels_ &= ~(std::uint64_t{1} << b.level);
    cursor_ = b.first;
    while (t) {
        timer* const next = t->next_;
        --in_buckets_;
        tick const due = tick_of(t->deadline_);
        if (due > cursor_) {
            put_in_bucket(*t, due);
        } else {
            t->link_ = nullptr;
            push_heap({t->deadline_, t->order_, t});
        }
        t = next;
    }
}

// --- the heap

void timer_queue::push_heap(const entry& e) {
    heap_.emplace_back();
    sift_up(heap_.size() - 1, e);
}

void timer_queue::remove_at(std::size_t slot) noexcept {
    entry const last = heap_.back();
    heap_.pop_back();
    if (slot == heap_.size()) return;
    if (slot > 0 && before(last, heap_[(slot - 1) / 4])) {
        sift_up(slot, last);
    } else {
        sift_down(slot, last);
    }
}

void timer_queue::sift_up(std::size_t slot, entry e) noexcept {
    while (slot > 0) {
        std::size_t const parent = (slot - 1) / 4;
        if (!before(e, heap_[parent])) break;
        place(slot, heap_[parent]);
        slot = parent;
    }
    place(slot, e);
}

void timer_queue::sift_down(std::size_t slot, entry e) noexcept {
    std::size_t const n = heap_.size();
    for (;;) {
        std::size_t const first = slot * 4 + 1;
        if (first >= n) break;
        std::size_t least = first;
        std::size_t const end = std::min(first + 4, n);
        for (std::size_t c = first + 1; c < end; ++c) {
            if (before(heap_[c], heap_[least])) least = c;
        }
        if (!before(heap_[least], e)) break;
        place(slot, heap_[least]);
        slot = least;
    }
    place(slot, e);
}

}  // namespace green::detail
