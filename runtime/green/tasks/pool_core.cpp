#include <green/tasks/pool_core.hpp>

#include <stdexcept>

namespace green::detail {

pool_member::pool_member(std::shared_ptr<pool_core> pool, green_task& t)
    : pool_(std::move(pool)), task_(t) {
    pool_->add(*this);
    t.joiners().push_back(*this);
}

void pool_member::task_ended(green_task&) noexcept {
    std::shared_ptr<pool_core> const pool = std::move(pool_);
    pool->remove(*this);
    delete this;
    pool->give_back();
}

void pool_place::pass_to(green_task& t) {
    new pool_member(pool_, t);  // deletes itself
    taken_ = false;
}

bool pool_core::try_take() {
    if (pool_member* const m = members_.front()) m->task().owner().check_thread();
    if (closed_) throw_closed();
    if (taken_ >= limit_) return false;
    ++taken_;
    return true;
}

void pool_core::give_back() noexcept {
    if (place_waiter* const w = waiters_.pop_front()) {
        count_out(*w);
        w->place_granted();
        return;
    }
    if (--taken_ > 0) return;
    while (idle_waiter* const w = idle_waiters_.pop_front()) w->idle();
}

void pool_core::wait_for_place(place_waiter& w, bool only_hope, const char* operation) {
    pool_member* const m = only_hope ? stuck_member() : nullptr;
    if (m) {
        std::size_t const stuck = stuck_ + (m->waits == 0 ? 1 : 0);
        if (stuck == limit_) {
            std::string text = "green: ";
            describe(text, operation);
            throw std::logic_error(
                text + ": the pool is full, and each of its tasks (" + std::to_string(limit_) +
                ") waits for another place in it: none would ever be free"
            );
        }
        stuck_ = stuck;
        ++m->waits;
    }
    w.member = m;
    waiters_.push_back(w);
}

void pool_core::forget(place_waiter& w) noexcept {
    waiters_.remove(w);
    count_out(w);
}

void pool_core::count_out(place_waiter& w) noexcept {
    pool_member* const m = std::exchange(w.member, nullptr);
    if (m && --m->waits == 0) --stuck_;
}

void pool_core::add(pool_member& m) noexcept {
    members_.push_back(m);
    ++member_count_;
}

void pool_core::remove(pool_member& m) noexcept {
    assert(m.waits == 0);
    members_.remove(m);
    --member_count_;
}

void pool_core::cancel_members(std::string_view reason, std::source_location where) noexcept {
    for (pool_member* m = members_.front(); m; m = members_.after(*m)) {
        m->task().request_cancel(reason, where);
    }
}

void pool_core::close() noexcept {
    closed_ = true;
    while (place_waiter* const w = waiters_.pop_front()) {
        count_out(*w);
        w->pool_closed();
    }
}

void pool_core::throw_closed() const {
    std::string text;
    describe(text, "task_pool");
    throw closed_error(text + ": the pool was destroyed meanwhile");
}

pool_member* pool_core::membership(green_task& t) const noexcept {
    auto& joiners = t.joiners();
    for (joiner* j = joiners.front(); j; j = joiners.after(*j)) {
        auto* const m = dynamic_cast<pool_member*>(j);
        if (m && m->of(*this)) return m;
    }
    return nullptr;
}

/// The member that cannot go on before the running task does: a combinator with another child, or
/// with a limit, may still end by itself.
pool_member* pool_core::stuck_member() const noexcept {
    for (green_task* t = scheduler::current()->running(); t;) {
        if (pool_member* const m = membership(*t)) return m;
        const nursery* const around = t->home();
        if (around->size() > 1 || around->deadline() != clock::time_point::max()) return nullptr;
        t = around->parent();
    }
    return nullptr;
}

bool pool_core::running_inside() const noexcept {
    for (green_task* t = scheduler::current()->running(); t; t = t->home()->parent()) {
        if (membership(*t)) return true;
    }
    return false;
}

void pool_core::describe_to(std::string& out, const char* operation) const {
    describe(out, operation);
    out += ": a free place of " + std::to_string(limit_);
}

const green_task* pool_core::blocker() const noexcept {
    return limit_ == 1 && member_count_ == 1 ? &members_.front()->task() : nullptr;
}

}  // namespace green::detail
