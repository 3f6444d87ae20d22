#include <green/tasks/scope.hpp>

#include <green/loop/loop_core.hpp>
#include <green/loop/sleep.hpp>

namespace green::detail {

scope::scope(const char* operation) noexcept
    : operation_(operation), parent_(scheduler::current()->running()) {}

scope::~scope() {
    loop_core::current()->timers().disarm(*this);
    // Only when the combinator threw before it awaited: the children have not begun and never will.
    while (green_task* c = children().front()) {
        remove(*c);
        scheduler::current()->root().adopt(*c);
        c->request_cancel("its scope failed to start", c->spawned_at());
    }
}

void scope::add(green_task& child) noexcept {
    scheduler::current()->start(child, *this);
    if (stopped_) child.request_cancel(why_.reason, why_.where);
}

void scope::set_deadline(clock::time_point deadline) {
    deadline_ = deadline;
    loop_core::current()->timers().arm_limit(*this, deadline);
}

void scope::stop(std::string_view reason, std::source_location where) noexcept {
    if (stopped_) return;
    stopped_ = true;
    try {
        why_ = {std::string(reason), where};
    } catch (...) {  // out of memory: the reason is lost
    }
    cancel_children(why_);
}

void scope::expired() noexcept {
    // A body that never suspends may complete even in no time, so the limit waits for its first step.
    for (green_task* c = children().front(); c; c = children().after(*c)) {
        if (c->state() != task_state::created || c->cancel_requested()) continue;
        return loop_core::current()->timers().arm_limit(*this, deadline_);
    }
    if (!stopped_) expired_ = true;
    stop("the time limit is over", std::source_location::current());
}

bool scope::cancel() noexcept {
    if (supervisor_ && supervisor_->ends_in_order()) return false;
    const cancel_request* const why = waiter().cancel_reason();
    if (why) {
        stop(why->reason, why->where);
    } else {
        stop({}, std::source_location::current());
    }
    return false;  // the children end first
}

void scope::child_ended(green_task& child) noexcept {
    if (supervisor_)
        supervisor_->child_ended(child);
    else
        judge(child);
    wake_idle_waiters();
    if (size() > 0) return;
    loop_core::current()->timers().disarm(*this);
    if (awaited_) {
        awaited_ = false;
        waiter().wake();
    }
}

void scope::judge(green_task& child) noexcept {
    if (!first_ended_ && !child.was_cancelled()) first_ended_ = &child;
    if (child.failed()) {
        child.mark_observed();
        errors_.push_back(child.error());
        stop("another task of its scope failed", std::source_location::current());
    } else if (stop_at_first_end_) {
        stop("another task of its scope ended first", std::source_location::current());
    }
}

void scope::wake_idle_waiters() noexcept {
    for (idle_waiter* w = waiters_.front(); w;) {
        idle_waiter* const next = waiters_.after(*w);
        if (size() <= w->children) {
            waiters_.remove(*w);
            w->idle();
        }
        w = next;
    }
}

void scope::describe(std::string& out) const {
    out += operation_;
    out += " of ";
    out += std::to_string(size()) + (size() == 1 ? " task" : " tasks");
}

bool scope_idle::cancel() noexcept {
    scope_.forget(*this);
    return true;
}

void scope_idle::describe(std::string& out) const {
    out += operation_;
    out += " of " + std::to_string(scope_.size() - children) + " tasks";
}

task<> no_result(const scope& s, const green_task& child) {
    co_await yield();  // does not come back if this task is cancelled itself
    throw cancelled_error(std::string(s.operation()) + ": " + child.cancelled_text());
}

}  // namespace green::detail
