#include <green/executor/process_queue_hub.hpp>

#include <green/core/errors.hpp>
#include <green/core/scheduler.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace green::detail {

// --- what this process asks

/// In a fork of its process the queue is not there: the sockets are the parent's.
bool queue_hub::is_gone(queue_request& r) const noexcept {
    if (service_->is_of_this_process()) return false;
    r.outcome = queue_outcome::gone;
    return true;
}

bool queue_hub::attempt(queue_request& r) {
    if (is_gone(r)) return true;
    std::lock_guard const lock(mutex_);
    bool const over = serve(r);
    write_answers();
    return over;
}

bool queue_hub::begin(queue_request& r, thread_waker& w) {
    if (is_gone(r)) return true;
    std::lock_guard const lock(mutex_);
    bool const over = serve(r);
    if (!over) {
        r.waker = &w;
        waiters_of(r.verb).push_back(r);
    }
    write_answers();
    return over;
}

bool queue_hub::withdraw(queue_request& r) noexcept {
    std::lock_guard const lock(mutex_);
    if (!r.waits()) return false;
    waiters_of(r.verb).remove(r);
    return true;
}

void queue_hub::perform(queue_request& r, std::chrono::nanoseconds limit) {
    if (is_gone(r)) return;
    std::unique_lock lock(mutex_);
    bool const over = serve(r);
    write_answers();
    if (over) return;
    if (limit.count() > 0) {
        if (scheduler::current()) throw_would_block(name_of(r.verb));
        thread_blocker thread;
        r.waker = &thread;
        waiters_of(r.verb).push_back(r);
        if (thread.wait(lock, [&r] { return !r.waits(); }, limit)) return;
        waiters_of(r.verb).remove(r);
    }
    r.outcome = queue_outcome::nothing;
}

queue_port::done_result queue_hub::task_done() {
    if (!service_->is_of_this_process()) return done_result::gone;
    std::lock_guard const lock(mutex_);
    if (held_ == 0) return done_result::too_many;
    --held_;
    finish(1);
    write_answers();
    return done_result::accepted;
}

// --- the queue

bool queue_hub::serve(queue_request& r) {
    r.outcome = queue_outcome::waiting;
    bool over = true;
    switch (r.verb) {
    case queue_verb::put: over = serve_put(r); break;
    case queue_verb::get: over = serve_get(r); break;
    case queue_verb::join: over = serve_join(r); break;
    case queue_verb::close:
    case queue_verb::discard: serve_close(r.verb == queue_verb::discard); break;
    case queue_verb::look: r.figures = figures(); break;
    default: break;
    }
    if (over) {
        if (r.waits()) r.outcome = queue_outcome::done;
    } else if (!r.may_wait) {
        r.outcome = queue_outcome::nothing;
    }
    return !r.waits();
}

bool queue_hub::serve_put(queue_request& r) {
    if (closed_) {
        r.outcome = queue_outcome::closed;
    } else if (queue_request* const getter = getters_.pop_front()) {
        ++accepted_;
        hand_over(*getter, std::move(r.item));
        conclude(*getter, queue_outcome::done);
    } else if (items_.size() < capacity_) {
        items_.push(std::move(r.item));
        ++accepted_;
    } else {
        return false;
    }
    return true;
}

bool queue_hub::serve_get(queue_request& r) {
    if (items_.empty()) {
        if (closed_) r.outcome = queue_outcome::closed;
        return closed_;
    }
    std::optional<byte_buffer> item;
    items_.take(item);
    hand_over(r, std::move(*item));
    // The putter that has waited longest moves up: there is a free slot, so this does not throw.
    if (queue_request* const putter = putters_.pop_front()) {
        items_.push(std::move(putter->item));
        ++accepted_;
        conclude(*putter, queue_outcome::done);
    }
    return true;
}

bool queue_hub::serve_join(queue_request& r) {
    for (; !deaths_.empty(); deaths_.pop_front()) {
        death const d = deaths_.front();
        if (d.items == 0 && unfinished() == 0) continue;  // it cost nothing after all
        r.figures.dead = d.pid;
        r.figures.lost = d.items;
        r.outcome = queue_outcome::peer_died;
        deaths_.pop_front();
        return true;
    }
    return unfinished() == 0;
}

void queue_hub::serve_close(bool discard) {
    closed_ = true;
    conclude_all(putters_, queue_outcome::closed);
    conclude_all(getters_, queue_outcome::closed);
    if (discard) finish(items_.take_all().size());
}

queue_figures queue_hub::figures() const noexcept {
    queue_figures f;
    f.size = items_.size();
    f.capacity = capacity_;
    f.unfinished = unfinished();
    f.closed = closed_;
    return f;
}

queue_hub::waiters& queue_hub::waiters_of(queue_verb verb) noexcept {
    return verb == queue_verb::put ? putters_ : verb == queue_verb::get ? getters_ : joiners_;
}

void queue_hub::hand_over(queue_request& getter, byte_buffer&& item) noexcept {
    getter.item = std::move(item);
    ++(getter.peer ? getter.peer->held : held_);
}

/// It is in no list any more.
void queue_hub::conclude(queue_request& r, queue_outcome outcome) noexcept {
    r.outcome = outcome;
    if (!r.peer) return r.waker->wake();
    queue_peer& peer = *r.peer;
    peer.hub.answer(peer, r);
    peer.waiting.erase(r.id);
}

void queue_hub::conclude_all(waiters& all, queue_outcome outcome) noexcept {
    while (queue_request* const r = all.pop_front()) conclude(*r, outcome);
}

void queue_hub::finish(std::size_t count) noexcept {
    finished_ += count;
    if (unfinished() == 0) conclude_all(joiners_, queue_outcome::done);
}

/// To all that wait in join, or else to the next one.
void queue_hub::report_death(death d) noexcept {
    if (joiners_.empty()) {
        // Of deaths that cost nothing the last one is enough, if nobody asks for years.
        if (d.items == 0 && !deaths_.empty() && deaths_.back().items == 0) deaths_.pop_back();
        deaths_.push_back(d);
        return;
    }
    while (queue_request* const r = joiners_.pop_front()) {
        r->figures.dead = d.pid;
        r->figures.lost = d.items;
        conclude(*r, queue_outcome::peer_died);
    }
}

}  // namespace green::detail
