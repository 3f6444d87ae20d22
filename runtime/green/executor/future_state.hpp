#pragma once

// Internal: the state that a future and its producer share. Thread-safe.

#include <green/core/awaitable.hpp>
#include <green/core/errors.hpp>
#include <green/core/intrusive_list.hpp>
#include <green/core/time.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace green::detail {

//    pending ──set_running──► running ──set_value / set_exception──► finished
//       │  └──────────────set_value / set_exception─────────────────►
//       └──cancel──► cancelled
enum class future_phase : unsigned char { pending, running, finished, cancelled };

class future_callback {
public:
    virtual ~future_callback() = default;
    virtual void run() = 0;
};

class future_wait;

/// Prints a failure that no handle of a future ever asked for.
void report_unseen(const std::exception_ptr& e) noexcept;

class future_base {
public:
    future_base() = default;
    future_base(const future_base&) = delete;
    future_base& operator=(const future_base&) = delete;

    future_phase phase() const;
    bool done() const { return phase() >= future_phase::finished; }

    bool cancel();
    /// For a waiter who owns the job: cancels it if it has not begun, and unlinks `w`. Otherwise asks
    /// it to stop and gives false: its end will come.
    bool cancel_for(future_wait& w) noexcept;
    bool set_running();
    void add_callback(std::unique_ptr<future_callback> c);

    /// Blocks until done, `timeout` at most; whether it is done.
    bool wait(std::chrono::nanoseconds timeout) const;
    /// The same, or timeout_error.
    void wait_or_throw(std::chrono::nanoseconds timeout) const;

protected:
    virtual ~future_base() = default;

    /// A running job is asked to stop.
    virtual void request_stop() noexcept {}

    /// Locks for setting the outcome, unless there is one: then std::logic_error.
    std::unique_lock<std::mutex> begin_outcome();
    /// Wakes everybody and runs the callbacks, in the caller's thread.
    void publish(std::unique_lock<std::mutex> lock, future_phase outcome) noexcept;

    mutable std::mutex mutex_;

private:
    friend class future_wait;

    static void run_callback(future_callback& c) noexcept;

    mutable std::condition_variable done_;
    intrusive_list<future_wait> waits_;
    std::vector<std::unique_ptr<future_callback>> callbacks_;
    future_phase phase_ = future_phase::pending;
};

/// A green task's wait for a future.
class future_wait : public leaf, public list_node<future_wait>, private remote_call {
public:
    explicit future_wait(future_base& f) noexcept : future_(f) {}

    bool ready() const { return future_.done(); }
    void start();
    bool cancel() noexcept override;
    void describe(std::string& out) const override { out += "a future"; }

protected:
    future_base& future_;

private:
    friend class future_base;
    void run() noexcept override;  // on the loop's thread, when the future is done
};

/// The wait of one who owns the job and must not leave before it has ended.
class owning_wait : public future_wait {
public:
    using future_wait::future_wait;
    bool cancel() noexcept override;
    void describe(std::string& out) const override { out += "a job"; }
};

template <class T>
class future_state : public future_base {
public:
    ~future_state() override {
        if (auto* e = std::get_if<2>(&result_); e && !seen_) report_unseen(*e);
    }

    template <class... U>
    void set_value(U&&... value) {
        auto lock = begin_outcome();
        result_.template emplace<1>(static_cast<U&&>(value)...);
        publish(std::move(lock), future_phase::finished);
    }
    void set_exception(std::exception_ptr e) {
        auto lock = begin_outcome();
        result_.template emplace<2>(std::move(e));
        publish(std::move(lock), future_phase::finished);
    }
    /// The producer is gone.
    void abandon() noexcept {
        if (done()) return;
        seen_ = true;  // not a failure of a job: only who waits has to know
        try {
            set_exception(std::make_exception_ptr(
                closed_error("future: its promise was destroyed without a result")
            ));
        } catch (const std::logic_error&) {  // somebody was faster
        }
    }

    /// The value, or what there is instead. Only when done: the outcome does not change any more.
    T get() {
        throw_unless_value();
        if constexpr (!std::is_void_v<T>) return *std::get_if<1>(&result_);
    }
    /// The same for the only one who asks: moved out.
    T take() {
        throw_unless_value();
        if constexpr (!std::is_void_v<T>) return std::move(*std::get_if<1>(&result_));
    }
    std::exception_ptr exception() {
        if (phase() == future_phase::cancelled)
            throw cancelled_error("future: the job was cancelled");
        auto* e = std::get_if<2>(&result_);
        if (e) seen_ = true;
        return e ? *e : nullptr;
    }

private:
    void throw_unless_value() {
        if (phase() == future_phase::cancelled)
            throw cancelled_error("future: the job was cancelled");
        if (auto* e = std::get_if<2>(&result_)) {
            seen_ = true;
            std::rethrow_exception(*e);
        }
    }

    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
    std::variant<std::monostate, stored, std::exception_ptr> result_;
    std::atomic<bool> seen_{false};
};

}  // namespace green::detail
