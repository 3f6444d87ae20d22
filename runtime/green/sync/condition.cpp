#include <green/sync/condition.hpp>

#include <stdexcept>

namespace green {

condition::~condition() {
    // A waiter that has been notified needs the condition no longer.
    while (notified_.pop_front()) {}
}

void condition::notify_one() {
    auto* const w = static_cast<wait_awaitable*>(waiters_.front());
    if (!w) return;
    notified_.push_back(*w);
    notify(*w);
}

void condition::notify_all() {
    while (auto* const w = static_cast<wait_awaitable*>(waiters_.front())) notify(*w);
}

/// Moves a waiter on to the mutex.
void condition::notify(wait_awaitable& w) {
    mutex& m = *w.mutex_;
    w.locking_ = true;
    if (!m.locked()) {
        m.owner_ = w.holder_;
        waiters_.grant(w);
        return;
    }
    waiters_.remove(w);
    m.waiters_.enlist(w);
}

void condition::wait_awaitable::start() {
    locking_ = false;
    mutex_ = std::exchange(guard_->mutex_, nullptr);
    holder_ = mutex_->owner_;
    condition_->waiters_.enlist(*this);
    mutex_->unlock();
}

void condition::wait_awaitable::withdrawn() noexcept {
    if (forget_notification()) condition_->notify_one();
}

void condition::wait_awaitable::describe(std::string& out) const {
    if (locking_) {
        mutex_->describe_wait(out);
        out += " after condition.wait";  // which the condition may not have lived to see
        return;
    }
    condition_->describe(out, "condition.wait");
}

const detail::green_task* condition::wait_awaitable::blocked_by() const noexcept {
    return locking_ ? mutex_->owner_.get() : nullptr;
}

void condition::wait_awaitable::throw_no_lock() const {
    std::string what = "green: ";
    condition_->describe(what, "condition.wait");
    throw std::logic_error(what + ": the guard holds no lock");
}

}  // namespace green
