#include <green/sync/mutex.hpp>

#include <green/core/errors.hpp>

#include <stdexcept>

namespace green {

mutex::guard mutex::try_lock() {
    detail::green_task* const t = detail::scheduler::require("mutex::try_lock").running();
    if (!t) detail::throw_logic_error("green: mutex::try_lock: only a green task can hold a mutex");
    if (locked()) return {};
    take(*t);
    return guard(*this);
}

void mutex::unlock() {
    detail::wait_node* const next = waiters_.front();
    if (!next) {
        owner_ = {};
        return;
    }
    detail::task_ref holder(&next->task());
    waiters_.grant(*next);
    owner_ = std::move(holder);  // last: its old holder may go, and be reported
}

void mutex::throw_if_held_by(const detail::green_task& t) const {
    if (owner_.get() == &t) {
        std::string what = "green: ";
        describe(what, "mutex.lock");
        throw std::logic_error(what + ": the task holds it already and would wait for ever");
    }
}

void mutex::describe_wait(std::string& out) const {
    describe(out, "mutex.lock");
    if (owner_) out += ", held by " + owner_->label();
}

}  // namespace green
