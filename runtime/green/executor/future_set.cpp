#include <green/executor/future_set.hpp>

#include <green/core/task.hpp>
#include <green/loop/loop_core.hpp>
#include <green/tasks/timeout.hpp>

#include <stdexcept>
#include <unordered_set>

namespace green::detail {

future_set::future_set(std::span<const state_ref<future_base>> futures) : members_(futures.size()) {
    for (std::size_t i = 0; i < futures.size(); ++i) {
        member& m = members_[i];
        m.set = this;
        m.future = futures[i];
        if (!m.future->watch(m)) finish(m);
    }
}

future_set::~future_set() {
    // unwatch() takes the future's lock: one that is just calling finish() is waited for.
    for (member& m : members_) {
        if (m.future) m.future->unwatch(m);
    }
}

void future_set::finish(member& m) noexcept {
    std::lock_guard const lock(mutex_);
    (last_finished_ ? last_finished_->next_finished : first_finished_) = &m;
    last_finished_ = &m;
    ++finished_;
    if (m.future->has_error()) failed_ = true;
    if (!enough()) return;
    enough_.notify_one();
    if (waiter_) {
        future_set_wait& w = *std::exchange(waiter_, nullptr);
        w.waiter().owner().call_from_thread(w);
    }
}

std::size_t future_set::unfinished() const {
    std::lock_guard const lock(mutex_);
    return members_.size() - finished_;
}

void future_set::expect(std::size_t count, bool or_error) {
    std::lock_guard const lock(mutex_);
    needed_ = count;
    or_error_ = or_error;
}

bool future_set::satisfied() const {
    std::lock_guard const lock(mutex_);
    return enough();
}

bool future_set::block(std::chrono::nanoseconds timeout) const {
    std::unique_lock lock(mutex_);
    auto const is_enough = [this] { return enough(); };
    if (is_enough()) return true;
    if (scheduler::current()) {
        throw std::logic_error("green: blocking_wait would block the thread of a running loop; "
                               "co_await wait(…)");
    }
    auto const start = std::chrono::steady_clock::now();
    if (timeout > std::chrono::steady_clock::time_point::max() - start) {
        enough_.wait(lock, is_enough);
        return true;
    }
    return enough_.wait_until(lock, start + timeout, is_enough);
}

state_ref<future_base> future_set::take_finished() noexcept {
    member* m = nullptr;
    {
        std::lock_guard const lock(mutex_);
        m = first_finished_;
        if (!m) return {};
        first_finished_ = m->next_finished;
        if (!first_finished_) last_finished_ = nullptr;
    }
    ++taken_;
    return std::move(m->future);
}

void future_set::describe(std::string& out) const {
    std::lock_guard const lock(mutex_);
    std::size_t const left = needed_ > finished_ ? needed_ - finished_ : 0;
    out += std::to_string(left) + " of " + std::to_string(members_.size() - finished_) +
        " unfinished futures";
}

// --- a green task's wait

void future_set_wait::start() noexcept {
    {
        std::lock_guard const lock(set_.mutex_);
        if (!set_.enough()) {
            loop_core::current()->hold_clock();
            set_.waiter_ = this;
            return;
        }
    }
    waiter().wake();
}

bool future_set_wait::cancel() noexcept {
    {
        std::lock_guard const lock(set_.mutex_);
        if (!set_.waiter_) return false;  // run() is on its way
        set_.waiter_ = nullptr;
    }
    loop_core::current()->release_clock();
    return true;
}

void future_set_wait::run() noexcept {
    if (waiter().ended()) return;  // abandoned: an earlier run of this thread held its clock
    loop_core::current()->release_clock();
    waiter().wake();
}

task<bool> wait_in_time(future_set& set, std::chrono::nanoseconds timeout) {
    if (timeout == forever || set.satisfied()) {
        co_await set.wait();
        co_return true;
    }
    co_return co_await move_on_after(timeout, set.wait());
}

std::vector<std::size_t> distinct(std::span<const state_ref<future_base>> futures) {
    std::vector<std::size_t> places;
    std::unordered_set<const future_base*> seen;
    for (std::size_t i = 0; i < futures.size(); ++i) {
        if (seen.insert(futures[i].get()).second) places.push_back(i);
    }
    return places;
}

}  // namespace green::detail
