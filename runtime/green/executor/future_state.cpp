#include <green/executor/future_state.hpp>

#include <green/core/scheduler.hpp>
#include <green/core/source_text.hpp>

#include <cassert>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include <cxxabi.h>

namespace green::detail {
namespace {

/// A thread that blocks until a future is done.
class blocked_thread final : public future_watch {
public:
    void completed() noexcept override { done_.notify_one(); }

    /// `lock` is the future's. False if `limit` came first; the watch is still enlisted then.
    bool wait(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds limit) {
        auto const is_done = [this] { return !linked(); };
        auto const start = std::chrono::steady_clock::now();
        if (limit > std::chrono::steady_clock::time_point::max() - start) {
            done_.wait(lock, is_done);
            return true;
        }
        return done_.wait_until(lock, start + limit, is_done);
    }

private:
    std::condition_variable done_;
};

/// A cancel has been decided upon.
bool is_cancel(future_phase p) noexcept {
    return p == future_phase::withdrawing || p == future_phase::cancelled;
}

}  // namespace

// --- the steps from phase to phase

bool future_base::cancel() noexcept {
    future_phase seen = future_phase::pending;
    if (phase_.compare_exchange_strong(seen, future_phase::withdrawing)) {
        withdrawn();
        publish(future_phase::cancelled);
        return true;
    }
    if (seen == future_phase::running) return request_stop();
    return is_cancel(seen);
}

bool future_base::cancel_for(future_watch& w) noexcept {
    future_phase seen = future_phase::pending;
    if (phase_.compare_exchange_strong(seen, future_phase::withdrawing)) {
        bool const unlinked = unwatch(w);
        withdrawn();
        publish(future_phase::cancelled);
        return unlinked;
    }
    if (seen == future_phase::running) request_stop();
    return false;
}

bool future_base::set_running() {
    future_phase seen = future_phase::pending;
    if (phase_.compare_exchange_strong(seen, future_phase::running)) return true;
    if (is_cancel(seen)) return false;
    throw std::logic_error("green: promise::set_running: the job has begun already");
}

bool future_base::try_claim() noexcept {
    future_phase seen = future_phase::running;
    do {
        if (phase_.compare_exchange_strong(seen, future_phase::deciding)) return true;
    } while (seen == future_phase::pending || seen == future_phase::running);
    return false;
}

void future_base::claim() {
    if (try_claim()) return;
    throw std::logic_error(
        is_cancel(phase()) ? "green: promise: the future was cancelled"
                           : "green: promise: the future has a result already"
    );
}

void future_base::publish(future_phase outcome) noexcept {
    std::unique_ptr<future_callback> callbacks;
    {
        // A watch is enlisted under this lock by one who has seen no outcome yet: so either the
        // outcome is seen there, or the watch is seen here.
        std::lock_guard const lock(mutex_);
        phase_.store(outcome, std::memory_order_release);
        while (future_watch* const w = watches_.pop_front()) w->completed();
        callbacks = std::move(first_callback_);
        last_callback_ = nullptr;
    }
    while (callbacks) {
        run_callback(*callbacks);
        callbacks = std::move(callbacks->next);
    }
}

// --- those who wait

bool future_base::watch(future_watch& w) {
    std::lock_guard const lock(mutex_);
    if (done()) return false;
    watches_.push_back(w);
    return true;
}

bool future_base::has_told_all() const {
    std::lock_guard const lock(mutex_);
    return done();
}

bool future_base::unwatch(future_watch& w) noexcept {
    std::lock_guard const lock(mutex_);
    if (!w.linked()) return false;
    watches_.remove(w);
    return true;
}

void future_base::add_callback(std::unique_ptr<future_callback> c) {
    {
        std::lock_guard const lock(mutex_);
        if (!done()) {
            future_callback* const added = c.get();
            (last_callback_ ? last_callback_->next : first_callback_) = std::move(c);
            last_callback_ = added;
            return;
        }
    }
    run_callback(*c);
}

void future_base::run_callback(future_callback& c) noexcept {
    try {
        c.run();
    } catch (...) {
        std::string const what = detail::describe(std::current_exception());
        std::fprintf(stderr, "green: a done callback of a future failed: %s\n", what.c_str());
    }
}

bool future_base::wait(std::chrono::nanoseconds timeout) const {
    if (done()) return true;
    if (timeout.count() <= 0) return false;
    if (scheduler::current()) {
        throw std::logic_error("green: future::result would block the thread of a running loop; "
                               "co_await the future");
    }
    if (timeout != forever) return block(timeout);
    begin_block({this, [](const void* f) noexcept {
                     return static_cast<const future_base*>(f)->done();
                 }});
    block(timeout);
    end_block();
    return true;
}

bool future_base::block(std::chrono::nanoseconds timeout) const {
    std::unique_lock lock(mutex_);
    if (done()) return true;
    blocked_thread me;
    watches_.push_back(me);
    if (me.wait(lock, timeout)) return true;
    watches_.remove(me);
    return false;
}

void future_base::wait_or_throw(std::chrono::nanoseconds timeout) const {
    if (wait(timeout)) return;
    if (scheduler::current()) {
        throw std::logic_error("green: the future is not done; co_await it");
    }
    std::string who;
    describe(who);
    throw timeout_error("future: " + who + " was not done within " + detail::describe(timeout));
}

// --- words

void future_base::set_label(const char* executor, std::string_view name) {
    executor_ = executor;
    if (!name.empty()) name_ = std::make_unique<const std::string>(name);
}

void future_base::describe(std::string& out) const {
    if (executor_) {
        describe_job(out, executor_, name());
    } else {
        out += "a future";
    }
}

void describe_job(std::string& out, const char* executor, std::string_view name) {
    if (name.empty()) {
        out += "a job";
    } else {
        out.append("job '").append(name).append("'");
    }
    out.append(" on ").append(executor);
}

void future_base::throw_cancelled() const {
    throw cancelled_error(
        name_ ? "future: the job '" + *name_ + "' was cancelled"
              : std::string("future: the job was cancelled")
    );
}

void future_base::report_unseen(const std::exception_ptr& e) const noexcept {
    try {
        std::string who;
        describe(who);
        std::string const what = detail::describe(e);
        std::fprintf(
            stderr, "green: %s failed and nobody asked for its result: %s\n", who.c_str(),
            what.c_str()
        );
    } catch (...) {  // out of memory
    }
}

std::exception_ptr broken_promise() noexcept {
    return make_error<closed_error>("future: its promise was destroyed without a result");
}

std::string type_name(const std::type_info& type) {
    if (type == typeid(std::string)) return "std::string";
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> const text(
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free
    );
    return text ? text.get() : type.name();
}

std::string type_name(const std::exception_ptr& error) {
    try {
        std::rethrow_exception(error);
    } catch (...) {
        const std::type_info* const type = abi::__cxa_current_exception_type();
        return type ? type_name(*type) : "an exception of another language";
    }
}

std::string describe_phase(
    future_phase phase, const std::type_info& value, const std::exception_ptr* error
) {
    switch (phase) {
    case future_phase::pending: return "pending";
    case future_phase::running:
    case future_phase::deciding: return "running";
    case future_phase::withdrawing:
    case future_phase::cancelled: return "cancelled";
    case future_phase::finished: break;
    }
    return error ? "finished raised " + type_name(*error) : "finished returned " + type_name(value);
}

}  // namespace green::detail
