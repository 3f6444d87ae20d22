#include <green/loop/completion.hpp>

#include <green/loop/loop_core.hpp>

namespace green::detail {

completion_base::completion_base() : owner_(scheduler::require("completion")) {}

void completion_base::attach(green_task& waiter) noexcept {
    waiter_ = &waiter;
    static_cast<loop_core&>(owner_).add_external();
}

bool completion_base::detach() noexcept {
    if (!claim()) return false;  // a thread was faster
    waiter_ = nullptr;
    static_cast<loop_core&>(owner_).drop_external();
    return true;
}

void completion_base::deliver() noexcept {
    if (scheduler::current() == &owner_) {
        run();
        return;
    }
    queued_ = shared_from_this();
    // The loop may be closed: then there is no waiter any more.
    auto const self = queued_;
    if (!owner_.call_from_thread(*this)) queued_.reset();
}

void completion_base::run() noexcept {
    auto const self = std::move(queued_);
    green_task* const waiter = std::exchange(waiter_, nullptr);
    if (!waiter) return;
    static_cast<loop_core&>(owner_).drop_external();
    if (stopped_) {
        waiter->wake_cancelled();
    } else {
        waiter->wake();
    }
}

std::exception_ptr completion_base::stopped_error() {
    return std::make_exception_ptr(cancelled_error("completion: the operation was stopped"));
}

std::exception_ptr completion_base::dropped_error() {
    return std::make_exception_ptr(
        closed_error("completion: the operation dropped its callback without calling it")
    );
}

}  // namespace green::detail
