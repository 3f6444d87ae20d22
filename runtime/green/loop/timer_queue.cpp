#include <green/loop/timer_queue.hpp>

#include <algorithm>
#include <cassert>

namespace green::detail {

void timer_queue::insert(timer& t, clock::time_point deadline, std::uint64_t order) {
    assert(!t.armed());
    t.deadline_ = deadline;
    if (deadline == clock::time_point::max()) return;
    heap_.emplace_back();
    sift_up(heap_.size() - 1, entry{deadline, order, &t});
}

void timer_queue::disarm(timer& t) noexcept {
    if (!t.armed()) return;
    std::size_t const slot = t.slot_;
    t.slot_ = timer::unarmed;
    remove_at(slot);
}

std::size_t timer_queue::fire(clock::time_point now) noexcept {
    std::uint64_t const limit = armed_;
    bool fired_timer = false;
    std::size_t fired = 0;
    while (!heap_.empty() && heap_.front().deadline <= now) {
        bool const is_limit = (heap_.front().order & limit_bit) != 0;
        if ((heap_.front().order & ~limit_bit) > limit) break;
        if (is_limit && fired_timer) break;
        fired_timer = fired_timer || !is_limit;
        timer& t = *heap_.front().owner;
        t.slot_ = timer::unarmed;
        remove_at(0);
        ++fired;
        t.expired();
    }
    return fired;
}

void timer_queue::trim() {
    if (heap_.empty()) heap_ = {};
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

} // namespace green::detail
