#include <green/core/green_task.hpp>

#include <green/core/promise.hpp>
#include <green/core/scheduler.hpp>
#include <green/core/source_text.hpp>

#include <cstring>

namespace green::detail {

task_extras& green_task::extras() {
    if (!extras_) extras_ = new task_extras;
    return *extras_;
}

std::string_view green_task::name() const noexcept {
    return extras_ ? std::string_view(extras_->name) : std::string_view();
}

void green_task::set_name(std::string_view name) {
    if (!name.empty()) extras().name = name;
}

std::string green_task::label() const {
    std::string text = "#" + std::to_string(static_cast<std::uint64_t>(id_));
    if (!name().empty()) text.append(" '").append(name()).append("'");
    return text;
}

std::string green_task::cancelled_text() const {
    std::string text = "task " + label() + " was cancelled";
    if (const cancel_request* why = cancel_reason()) {
        if (!why->reason.empty()) text += ": " + why->reason;
        text += " (asked for at ";
        text += short_file(why->where.file_name());
        text += ":" + std::to_string(why->where.line()) + ")";
    }
    return text;
}

bool green_task::request_cancel(std::string_view reason, std::source_location where) noexcept {
    if (ended() || state_ == task_state::unwinding) return state_ == task_state::unwinding;
    if (!cancel_requested_) {
        cancel_requested_ = true;
        update_must_stop();
        try {
            extras().cancel.emplace(std::string(reason), where);
        } catch (...) {  // out of memory: the cancel counts, its reason is lost
        }
    }
    deliver_cancel();
    return true;
}

void green_task::force_cancel() noexcept {
    shields_off_ = true;
    update_must_stop();
    deliver_cancel();
}

void green_task::deliver_cancel() noexcept {
    // Created: never begins. Ready: goes on with its result, stops at the next suspension.
    // Running: the same.
    if (!must_stop_ || state_ != task_state::suspended || leaf_asked_) return;
    leaf_asked_ = true;
    if (leaf_->cancel()) wake_cancelled();
}

void green_task::wake_cancelled() noexcept {
    if (ended()) return;  // as in wake()
    wake();  // asserts that a leaf that says true has not called it already
    if (must_stop_) state_ = task_state::unwinding;
}

void green_task::enter_shield() noexcept {
    ++shields_;
    update_must_stop();
}

void green_task::leave_shield() noexcept {
    assert(shields_ > 0);
    --shields_;
    update_must_stop();
}

void green_task::report_unobserved() noexcept {
    if (failed()) scheduler_->unhandled(*this);
}

void green_task::drop_locals() noexcept {
    // Out of the task first: the destructor of a value may look at it.
    std::shared_ptr<local_values> const dropped = std::move(extras_->locals);
}

void green_task::last_ref_dropped() noexcept {
    if (!observed_) report_unobserved();
    unwind();  // nothing, unless the task was never started
    delete extras_;
    delete this;
}

void promise_base::trace_failure(const std::exception_ptr& error) noexcept {
    static_assert(sizeof(std::exception_ptr) == sizeof(const void*));
    const void* identity;
    // An exception_ptr is a pointer and has no way to say so; nothing is copied but its value.
    std::memcpy(&identity, static_cast<const void*>(&error), sizeof identity);
    green_task& t = *scheduler::current()->running();
    if (t.failure() && t.failure()->exception == identity) return;  // begun by a frame further in
    try {
        std::vector<std::source_location> frames;
        for (const promise_base* p = this; p; p = p->parent_) frames.push_back(p->awaiting_);
        t.extras().failure.emplace(identity, std::move(frames));
    } catch (...) {  // out of memory: the failure itself is not lost
    }
}

}  // namespace green::detail
