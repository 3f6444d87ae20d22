#include <green/sync/mutex.hpp>

#include <stdexcept>

namespace green {

mutex::guard mutex::try_lock() {
    if (locked()) return {};
    take(*detail::scheduler::require("mutex::try_lock").running());
    return guard(*this);
}

void mutex::unlock() {
    detail::wait_node* const next = waiters_.front();
    if (!next) {
        owner_ = {};
        return;
    }
    take(next->task());
    waiters_.grant(*next);
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
