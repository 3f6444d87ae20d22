#include <green/sync/thread_wait.hpp>

#include <green/loop/loop_core.hpp>
#include <green/sync/thread_queue.hpp>

#include <stdexcept>
#include <string>

namespace green::detail {

void throw_would_block(const char* operation) {
    throw std::logic_error(
        std::string("green: ") + operation +
        " would block the thread of a running loop; co_await put or get there"
    );
}

void thread_operation::describe(std::string& out) const {
    out += what_;
    if (!object_->name().empty()) out.append(" of '").append(object_->name()).append("'");
}

void thread_operation::report_forgotten() const noexcept {
    scheduler* const s = scheduler::current();
    if (!s) return;
    // One that is dropped by a cancel has not been forgotten. Outside a task, as in what was posted, none
    // can be awaited.
    if (const green_task* const t = s->running(); t && t->must_stop()) return;
    try {
        std::string what = "green: ";
        describe(what);
        what += " was called on the thread of a loop and not awaited: nothing has happened";
        s->unhandled(std::make_exception_ptr(std::logic_error(what)), what_);
    } catch (...) {  // out of memory
    }
}

// Threads may come and put something: no deadlock, as long as a task waits here.

void thread_operation::expect_wake() noexcept {
    static_cast<loop_core&>(waiter().owner()).add_external();
}

void thread_operation::wake() noexcept { waiter().owner().call_from_thread(*this); }

void thread_operation::leave() noexcept {
    static_cast<loop_core&>(waiter().owner()).drop_external();
}

void thread_operation::run() noexcept {
    leave();
    if (withdrawn()) return waiter().wake_cancelled();
    waiter().wake();
}

}  // namespace green::detail
