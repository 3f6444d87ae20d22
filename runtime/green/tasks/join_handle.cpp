#include <green/tasks/join_handle.hpp>

namespace green::detail {

void join_leaf::throw_bad_join() const {
    if (!target_) throw_logic_error("green: this join_handle refers to no task");
    throw_logic_error("green: a task awaits its own join_handle: it would wait for ever");
}

void join_leaf::throw_cancelled() const { throw cancelled_error(target_->cancelled_text()); }

bool join_leaf::cancel() noexcept {
    target_->joiners().remove(*this);
    return true;
}

void join_leaf::describe(std::string& out) const { out += "join of " + target_->label(); }

}  // namespace green::detail
