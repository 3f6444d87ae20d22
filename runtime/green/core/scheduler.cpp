#include <green/core/scheduler.hpp>

#include <green/core/errors.hpp>
#include <green/core/promise.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace green::detail {

thread_local constinit scheduler* scheduler::current_ = nullptr;

void scheduler::throw_no_loop(const char* operation) {
    throw std::logic_error(
        std::string("green: ") + operation +
        ": no loop runs on this thread; call it from inside run()"
    );
}

void scheduler::throw_wrong_thread() {
    throw std::logic_error("green: this belongs to a loop that runs on another thread; "
                           "hand a function to its loop::post");
}

void scheduler::enter() noexcept {
    assert(children().empty() && ready_.empty());
    ids_ = 0;
    ended_ = 0;
    resumes_.store(0, std::memory_order_relaxed);
    closing_ = false;
    main_ = nullptr;
    main_waits_ = false;
    attention_ = observed();
    open_.store(true, std::memory_order_relaxed);
    outer_ = std::exchange(current_, this);
}

void scheduler::leave() noexcept {
    current_ = std::exchange(outer_, nullptr);
    observers_.clear();
    observed_ = false;
    open_.store(false, std::memory_order_relaxed);
}

namespace {

void force_cancel_below(const nursery& n) noexcept {
    for (green_task* t = n.children().front(); t; t = n.children().after(*t)) {
        if (const auto* scope = dynamic_cast<const nursery*>(t->waiting_on())) {
            force_cancel_below(*scope);
        }
        t->force_cancel();
    }
}

}  // namespace

void scheduler::force_cancel_all() noexcept { force_cancel_below(*this); }

void scheduler::abandon_all() noexcept {
    for (green_task* t = children().front(); t; t = children().after(*t)) abandon(*t);
    while (green_task* t = children().front()) remove(*t);
    while (abandon_watch* w = abandon_watches_.pop_front()) w->abandoned();
}

void scheduler::abandon(green_task& t) noexcept {
    if (const auto* scope = dynamic_cast<const nursery*>(t.waiting_on())) {
        auto const& below = scope->children();
        for (green_task* c = below.front(); c; c = below.after(*c)) abandon(*c);
    }
    t.cancelled_ = true;
    t.state_ = task_state::ended;
}

inline void scheduler::begin(green_task& t) noexcept {
    if (t.must_stop_) {  // cancelled before its first step: the body never runs
        t.state_ = task_state::unwinding;
        return;
    }
    t.state_ = task_state::running;
    promise_base* const root = t.frame_ ? t.frame_ : call(t);
    innermost_.store(root, std::memory_order_relaxed);
    if (root) root->handle().resume();
}

/// The outermost frame of a task made from a callable; null, and the task has failed, if the callable
/// threw before there was a coroutine.
promise_base* scheduler::call(green_task& t) noexcept {
    try {
        return &t.make_root();
    } catch (...) {
        t.set_error(std::current_exception());
        t.state_ = task_state::ended;
        return nullptr;
    }
}

inline void scheduler::conclude(green_task& t) noexcept {
    bool const cancelled = t.state_ == task_state::unwinding;
    if (cancelled && &t == main_ && size() > 1) {
        main_waits_ = true;
        return;
    }
    t.unwind();  // of one that has ended well only the outermost frame is left
    if (cancelled) t.cancelled_ = true;
    innermost_.store(nullptr, std::memory_order_relaxed);
    if (t.has_callable_) t.drop_callable();
    if (t.locals()) [[unlikely]]
        t.drop_locals();
    t.state_ = task_state::ended;
    if (attention_) [[unlikely]]
        observe([&](task_observer& o) { o.ended(t); });
    running_.store(nullptr, std::memory_order_relaxed);
    nursery& home = *t.home_;
    home.remove(t);
    t.sequence_ = ++ended_;  // in the place of home_
    while (joiner* j = t.joiners_.pop_front()) j->task_ended(t);
    if (&home != this) home.child_ended(t);
    t.drop_ref();
}

inline void scheduler::step(green_task& t) noexcept {
    running_.store(&t, std::memory_order_relaxed);
    budget_ = steps_per_dispatch;
    if (t.state_ == task_state::ready) [[likely]] {
        t.state_ = task_state::running;
        innermost_.store(t.frame_, std::memory_order_relaxed);
        t.frame_->handle().resume();
    } else if (t.state_ == task_state::created) {
        begin(t);
    }
}

inline void scheduler::dispatch(green_task& t) noexcept {
    step(t);
    if (t.state_ >= task_state::unwinding) conclude(t);
}

inline green_task& scheduler::pop_ready() noexcept {
    green_task* const t = ready_.head_;
    ready_.head_ = t->next_ready_;
    if (!ready_.head_) ready_.tail_ = nullptr;
    resumes_.store(resumes() + 1, std::memory_order_relaxed);
    return *t;
}

std::size_t scheduler::run_ready(std::size_t limit) noexcept {
    std::uint64_t const before = resumes();
    std::uint64_t const end = before + limit;
    while (ready_.head_ && resumes() != end) {
        green_task& t = pop_ready();
        if (observed()) [[unlikely]] {
            dispatch_observed(t);
        } else {
            dispatch(t);
        }
    }
    running_.store(nullptr, std::memory_order_relaxed);
    return resumes() - before;
}

void scheduler::run_snapshot() noexcept {
    green_task* const last = ready_.tail_;
    for (green_task* t = nullptr; ready_.head_ && t != last;) {
        t = &pop_ready();
        if (observed()) [[unlikely]] {
            dispatch_observed(*t);
        } else {
            dispatch(*t);
        }
    }
    running_.store(nullptr, std::memory_order_relaxed);
}

void scheduler::unwind_main() noexcept {
    green_task& main = *std::exchange(main_, nullptr);
    main_waits_ = false;
    dispatch(main);
    running_.store(nullptr, std::memory_order_relaxed);
}

// --- the same under observation

void scheduler::add_observer(task_observer& o) {
    observers_.push_back({&o, false});
    attention_ = observed_ = true;
}

void scheduler::remove_observer(task_observer& o) noexcept {
    // The entry stays until nobody iterates: see attach_observers.
    for (auto& e : observers_) {
        if (e.object == &o) e.object = nullptr;
    }
}

void scheduler::attach_observers() noexcept {
    std::erase_if(observers_, [](const observer_entry& e) { return e.object == nullptr; });
    observed_ = !observers_.empty();
    attention_ = closing_ || observed_;
    // NOLINTNEXTLINE(modernize-loop-convert): one that is told may bring another
    for (std::size_t i = 0; i < observers_.size(); ++i) {
        if (std::exchange(observers_[i].attached, true)) continue;
        observers_[i].object->attached(*this);
    }
}

void scheduler::dispatch_observed(green_task& t) noexcept {
    attach_observers();
    observe([&](task_observer& o) { o.resumes(t); });
    step(t);
    observe([&](task_observer& o) { o.paused(t); });
    if (t.state_ >= task_state::unwinding) conclude(t);
    running_.store(nullptr, std::memory_order_relaxed);
}

void scheduler::started(green_task& t, nursery& home) noexcept {
    observe([&](task_observer& o) { o.spawned(t); });
    // Only at the root: a scope's children are its owner's business, which may be a shielded cleanup.
    if (closing_ && &home == this) t.request_cancel("the run is ending", t.spawned_at());
}

}  // namespace green::detail
