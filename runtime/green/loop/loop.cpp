#include <green/loop/loop.hpp>

#include <green/core/errors.hpp>
#include <green/loop/loop_core.hpp>
#include <green/loop/stall_monitor.hpp>
#include <green/loop/task_dump.hpp>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

// What users see of a loop, and what they hear of failures that nobody handled.

namespace green {

loop& this_loop() { return detail::loop_core::require("this_loop"); }

bool loop::call(detail::remote_call& c) noexcept {
    return static_cast<detail::loop_core*>(this)->call_from_thread(c);
}

void loop::report_posted_failure() noexcept {
    static_cast<detail::loop_core*>(this)->unhandled(
        std::current_exception(), "a function given to loop::post"
    );
}

void loop::set_handler(std::unique_ptr<failure_handler> h) noexcept {
    static_cast<detail::loop_core*>(this)->set_failure_handler(std::move(h));
}

void loop::set_handler(std::shared_ptr<stall_handler> h) noexcept {
    detail::stall_monitor::instance().set_handler(
        *static_cast<detail::loop_core*>(this), std::move(h)
    );
}

loop::work_guard loop::keep_alive() noexcept {
    static_cast<detail::loop_core*>(this)->add_external();
    return work_guard(*this);
}

loop::work_guard::~work_guard() {
    if (loop_) static_cast<detail::loop_core*>(loop_)->drop_external_from_thread();
}

namespace detail {

void loop_core::unhandled(green_task& t) noexcept {
    t.mark_observed();
    try {
        report({t.error(), failure_report(t)});
    } catch (...) {  // out of memory while writing the report
        report({t.error(), {}});
    }
}

void loop_core::unhandled(std::exception_ptr error, const char* where) noexcept {
    std::string text;
    try {
        text = std::string("green: ") + where + " failed: " + describe(error) + "\n";
    } catch (...) {  // out of memory: the failure counts, its text is lost
    }
    report({std::move(error), std::move(text)});
}

void loop_core::report(unhandled_failure f) noexcept {
    if (handler_) {
        auto handler = std::move(handler_);  // it may set another one while it runs
        try {
            (*handler)(f);
            if (!handler_) handler_ = std::move(handler);
            return;
        } catch (...) {  // a broken handler: back to the default, and on with this failure
        }
    }
    std::fputs(f.report.c_str(), stderr);
    if (scheduler::current() == this && !first_unhandled_) first_unhandled_ = std::move(f.error);
}

}  // namespace detail
}  // namespace green
