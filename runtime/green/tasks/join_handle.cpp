#include <green/tasks/join_handle.hpp>

namespace green::detail {

bool join_leaf::ready() {
    if (!target_) throw_logic_error("green: this join_handle refers to no task");
    if (target_ == scheduler::current()->running()) {
        throw_logic_error("green: a task awaits its own join_handle: it would wait for ever");
    }
    return target_->ended();
}

bool join_leaf::cancel() noexcept {
    target_->joiners().remove(*this);
    return true;
}

void join_leaf::describe(std::string& out) const { out += "join of " + target_->label(); }

} // namespace green::detail
