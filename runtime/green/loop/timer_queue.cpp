#include <green/loop/timer_queue.hpp>

#include <green/core/frame_pool.hpp>

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace green::detail {
namespace {

/// While a timer of a bucket is moved, the one so many places further is fetched from memory.
constexpr std::size_t fetched_ahead = 12;
/// Room for so many timers is kept from one tick to the next.
constexpr std::size_t most_kept = std::size_t{16} << 10;

}  // namespace

/// A part of a bucket. All but the last of a bucket are full.
struct timer_queue::chunk {
    static constexpr std::size_t capacity = (frame_pool::max_size - 2 * sizeof(void*)) /
        sizeof(timer*);

    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept {
        frame_pool::release(p, size);
    }

    chunk* previous;
    std::size_t size;
    timer* timers[capacity];
};

timer_queue::~timer_queue() {
    for (chunk* c : bucket_) {
        while (c) delete std::exchange(c, c->previous);
    }
}

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
    switch (t.place_) {
    case timer::unarmed: return;
    case place_in_run:
        run_[t.slot_].owner = nullptr;
        --run_left_;
        break;
    case place_in_heap: remove_at(t.slot_); break;
    default: take_from_bucket(t);
    }
    t.place_ = timer::unarmed;
}

/// The first of the run and the heap. Not if both are empty.
const timer_queue::entry& timer_queue::nearest() noexcept {
    if (run_left_ == 0) return heap_.front();
    while (!run_[run_next_].owner) ++run_next_;
    const entry& e = run_[run_next_];
    return heap_.empty() || before(e, heap_.front()) ? e : heap_.front();
}

/// Takes out what `nearest` has just given.
void timer_queue::take_nearest() noexcept {
    if (run_left_ > 0 && (heap_.empty() || before(run_[run_next_], heap_.front()))) {
        ++run_next_;
        --run_left_;
    } else {
        remove_at(0);
    }
}

std::size_t timer_queue::fire(clock::time_point now) noexcept {
    std::uint64_t const limit = armed_;
    bool fired_timer = false;
    std::size_t fired = 0;
    // Bucket by bucket: a loop that is late does not pile all that is due into the run first.
    do {
        while (!near_empty()) {
            entry const e = nearest();
            if (e.deadline > now) return fired;
            bool const is_limit = (e.order & limit_bit) != 0;
            if ((e.order & ~limit_bit) > limit) return fired;
            if (is_limit && fired_timer) return fired;
            fired_timer = fired_timer || !is_limit;
            take_nearest();
            e.owner->place_ = timer::unarmed;
            ++fired;
            e.owner->expired();
        }
    } while (advance(tick_of(now)));
    return fired;
}

clock::time_point timer_queue::first() {
    while (near_empty()) open(first_bucket());
    return nearest().deadline;
}

clock::time_point timer_queue::wake_at() {
    if (near_empty()) {
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
    return nearest().deadline;
}

void timer_queue::trim() {
    if (!empty()) return;
    run_ = {};
    run_next_ = 0;
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

void timer_queue::put_in_bucket(timer& t, tick due) {
    assert(due > cursor_);
    unsigned const level = (static_cast<unsigned>(std::bit_width(due ^ cursor_)) - 1) / digit_bits;
    unsigned const digit = due >> (level * digit_bits) & (buckets - 1);
    unsigned const number = level * buckets + digit;
    chunk*& last = bucket_[number];
    if (!last || last->size == chunk::capacity) {
        auto* const more = new chunk;
        more->previous = last;
        more->size = 0;
        last = more;
        in_use_[level] |= std::uint64_t{1} << digit;
        levels_ |= std::uint64_t{1} << level;
    }
    t.place_ = number;
    t.in_chunk_ = &last->timers[last->size++];
    *t.in_chunk_ = &t;
    ++in_buckets_;
}

/// The bucket's last timer takes its place.
void timer_queue::take_from_bucket(timer& t) noexcept {
    chunk*& last = bucket_[t.place_];
    timer* const moved = last->timers[--last->size];
    *t.in_chunk_ = moved;
    moved->in_chunk_ = t.in_chunk_;
    --in_buckets_;
    if (last->size > 0) return;
    delete std::exchange(last, last->previous);
    if (!last) bucket_is_empty(t.place_ / buckets, t.place_ % buckets);
}

void timer_queue::bucket_is_empty(unsigned level, unsigned digit) noexcept {
    in_use_[level] &= ~(std::uint64_t{1} << digit);
    if (in_use_[level] == 0) levels_ &= ~(std::uint64_t{1} << level);
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

/// Moves the cursor to the first bucket in use and its timers to where they now belong. Only when the
/// run and the heap are empty. Memory is needed for no more than the bucket; without it the program
/// ends.
void timer_queue::open(const bucket_place& b) noexcept {
    assert(near_empty());
    chunk* c = std::exchange(bucket_[b.level * buckets + b.digit], nullptr);
    bucket_is_empty(b.level, b.digit);
    cursor_ = b.first;
    if (run_.capacity() > most_kept) run_ = {};
    run_.clear();
    run_next_ = 0;
    while (c) {
        in_buckets_ -= c->size;
        for (std::size_t i = 0; i < c->size; ++i) {
            __builtin_prefetch(c->timers[std::min(i + fetched_ahead, c->size - 1)], 1);
            timer& t = *c->timers[i];
            tick const due = tick_of(t.deadline_);
            if (due > cursor_) {
                put_in_bucket(t, due);
            } else {
                run_.push_back({t.deadline_, t.order_, &t});
            }
        }
        delete std::exchange(c, c->previous);
    }
    std::sort(run_.begin(), run_.end(), &timer_queue::before);
    run_left_ = run_.size();
    for (std::size_t i = 0; i < run_left_; ++i) {
        run_[i].owner->place_ = place_in_run;
        run_[i].owner->slot_ = i;
    }
}

// --- the heap

void timer_queue::push_heap(const entry& e) {
    heap_.emplace_back();
    e.owner->place_ = place_in_heap;
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
