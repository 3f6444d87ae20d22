#include <green/executor/future_wait.hpp>

#include <green/loop/loop_core.hpp>

namespace green::detail {

void future_wait::start() {
    loop_core::current()->hold_clock();
    if (future_->watch(*this)) return;
    stop_holding_clock();
    waiter().wake();
}

bool future_wait::cancel() noexcept {
    if (!future_->unwatch(*this)) return false;  // done: run() is on its way
    stop_holding_clock();
    return true;
}

void future_wait::completed() noexcept { waiter().owner().call_from_thread(*this); }

void future_wait::run() noexcept {
    if (waiter().ended()) return;  // abandoned: an earlier run of this thread held its clock
    stop_holding_clock();
    waiter().wake();
}

void future_wait::stop_holding_clock() noexcept { loop_core::current()->release_clock(); }

bool owning_wait::cancel() noexcept {
    asked_ = true;
    if (!future()->cancel_for(*this)) return false;
    stop_holding_clock();
    return true;
}

void owning_wait::run() noexcept {
    if (waiter().ended()) return;
    stop_holding_clock();
    // A job that a cancel has ended has nothing that the task could go on with.
    if (asked_ && future()->cancelled()) {
        waiter().wake_cancelled();
    } else {
        waiter().wake();
    }
}

}  // namespace green::detail
