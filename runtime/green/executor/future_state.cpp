#include <green/executor/future_state.hpp>

#include <green/loop/loop_core.hpp>

#include <cstdio>
#include <stdexcept>

namespace green::detail {

future_phase future_base::phase() const {
    std::lock_guard const lock(mutex_);
    return phase_;
}

bool future_base::cancel() {
    std::unique_lock lock(mutex_);
    if (phase_ == future_phase::pending) {
        publish(std::move(lock), future_phase::cancelled);
        return true;
    }
    bool const cancelled = phase_ == future_phase::cancelled;
    bool const running = phase_ == future_phase::running;
    lock.unlock();
    if (running) request_stop();
    return cancelled;
}

bool future_base::cancel_for(future_wait& w) noexcept {
    std::unique_lock lock(mutex_);
    if (!w.linked()) return false;
    if (phase_ == future_phase::pending) {
        waits_.remove(w);
        publish(std::move(lock), future_phase::cancelled);
        return true;
    }
    lock.unlock();
    request_stop();
    return false;
}

bool future_base::set_running() {
    std::lock_guard const lock(mutex_);
    if (phase_ == future_phase::cancelled) return false;
    if (phase_ != future_phase::pending) {
        throw std::logic_error("green: promise::set_running: the job has begun already");
    }
    phase_ = future_phase::running;
    return true;
}

std::unique_lock<std::mutex> future_base::begin_outcome() {
    std::unique_lock lock(mutex_);
    if (phase_ >= future_phase::finished) {
        throw std::logic_error(
            phase_ == future_phase::cancelled ? "green: promise: the future was cancelled"
                                              : "green: promise: the future has a result already"
        );
    }
    return lock;
}

void future_base::publish(std::unique_lock<std::mutex> lock, future_phase outcome) noexcept {
    phase_ = outcome;
    // While the lock is held a wait is either in the list or has seen the outcome. A wait belongs to
    // its loop as soon as the call is handed over, so it is not touched after that.
    while (future_wait* w = waits_.pop_front()) w->waiter().owner().call_from_thread(*w);
    auto const callbacks = std::move(callbacks_);
    callbacks_.clear();
    done_.notify_all();
    lock.unlock();
    for (auto const& c : callbacks) run_callback(*c);
}

void future_base::add_callback(std::unique_ptr<future_callback> c) {
    {
        std::lock_guard const lock(mutex_);
        if (phase_ < future_phase::finished) {
            callbacks_.push_back(std::move(c));
            return;
        }
    }
    run_callback(*c);
}

void future_base::run_callback(future_callback& c) noexcept {
    try {
        c.run();
    } catch (...) {
        std::string const what = describe(std::current_exception());
        std::fprintf(stderr, "green: a done callback of a future failed: %s\n", what.c_str());
    }
}

bool future_base::wait(std::chrono::nanoseconds timeout) const {
    std::unique_lock lock(mutex_);
    auto const is_done = [this] { return phase_ >= future_phase::finished; };
    if (is_done()) return true;
    if (timeout.count() <= 0) return false;
    if (scheduler::current()) {
        throw std::logic_error("green: future::result would block the thread of a running loop; "
                               "co_await the future");
    }
    auto const start = std::chrono::steady_clock::now();
    if (timeout > std::chrono::steady_clock::time_point::max() - start) {
        done_.wait(lock, is_done);
        return true;
    }
    return done_.wait_until(lock, start + timeout, is_done);
}

void future_base::wait_or_throw(std::chrono::nanoseconds timeout) const {
    if (wait(timeout)) return;
    if (scheduler::current()) {
        throw std::logic_error("green: the future is not done; co_await it");
    }
    throw timeout_error("future: not done in time");
}

// --- a green task's wait

void future_wait::start() {
    loop_core& core = *loop_core::current();
    {
        std::lock_guard const lock(future_.mutex_);
        if (future_.phase_ < future_phase::finished) {
            core.hold_clock();
            future_.waits_.push_back(*this);
            return;
        }
    }
    waiter().wake();
}

bool future_wait::cancel() noexcept {
    {
        std::lock_guard const lock(future_.mutex_);
        if (!linked()) return false;  // done: run() is on its way
        future_.waits_.remove(*this);
    }
    loop_core::current()->release_clock();
    return true;
}

bool owning_wait::cancel() noexcept {
    if (!future_.cancel_for(*this)) return false;
    loop_core::current()->release_clock();
    return true;
}

void future_wait::run() noexcept {
    loop_core::current()->release_clock();
    waiter().wake();
}

void report_unseen(const std::exception_ptr& e) noexcept {
    try {
        std::string const what = describe(e);
        std::fprintf(
            stderr, "green: a job failed and nobody asked for its result: %s\n", what.c_str()
        );
    } catch (...) {  // out of memory
    }
}

}  // namespace green::detail
