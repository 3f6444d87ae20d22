#pragma once

// Internal: the state that a future and its producer share. Thread-safe.

#include <green/core/errors.hpp>
#include <green/core/intrusive_list.hpp>
#include <green/core/time.hpp>
#include <green/executor/state_ref.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>

namespace green::detail {

/// With its elements, which std::is_copy_constructible does not look at in a container.
template <class T>
inline constexpr bool is_copyable = std::is_copy_constructible_v<T>;
template <class T>
    requires requires { typename T::value_type; } && (!std::is_same_v<typename T::value_type, T>)
inline constexpr bool is_copyable<T> =
    std::is_copy_constructible_v<T> && is_copyable<typename T::value_type>;

//    pending ──set_running──► running ──claim──► deciding ──publish──► finished
//      │ │ ▲                   │  │                 ▲
//      │ │ └──────requeue──────┘  └──end_cancelled──│───► cancelled
//      │ └──claim (of a promise, in one step)───────┘         ▲
//      └──cancel──► withdrawing ──publish─────────────────────┘
//
// Each arrow is one atomic step, so of two threads that disagree one wins. In `deciding` and
// `withdrawing` the future belongs to the thread that made the step; the outcome does not change.
enum class future_phase : std::uint8_t {
    pending,
    running,
    deciding,
    withdrawing,  // it will be cancelled as soon as the job has dropped what it holds
    finished,
    cancelled
};

/// One who wants to know that a future is done; in the future's FIFO.
class future_watch : public list_node<future_watch> {
public:
    /// The future is done, and this is unlinked. Called by the thread that ended it with the future's
    /// mutex held: it hands the news on, and does not touch this object after that.
    virtual void completed() noexcept = 0;

protected:
    ~future_watch() = default;
};

/// A function to call when the future is done; in a list in order of registration.
class future_callback {
public:
    future_callback() = default;
    future_callback(const future_callback&) = delete;
    future_callback& operator=(const future_callback&) = delete;
    virtual ~future_callback() = default;
    virtual void run() = 0;

    std::unique_ptr<future_callback> next;
};

/// What a thread blocks for without a limit of time, and whether it has come: any thread may ask.
struct blocked_wait {
    const void* what;
    bool (*over)(const void* what) noexcept;
};

/// All of a future but its result.
///
/// The producer of a job derives from it (from `future_state<T>`) and has two hooks: `withdrawn` when
/// a cancel came before the job had begun, `request_stop` when it came later. It says set_running(),
/// and then one of succeed(), fail() and end_cancelled(), on any thread. After `set_running` it is the
/// only one who decides; a promise, of which several threads may think so, asks `claim` before.
class future_base {
public:
    future_base() = default;
    future_base(const future_base&) = delete;
    future_base& operator=(const future_base&) = delete;

    void add_ref() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void drop_ref() noexcept {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }
    /// Nobody but the caller holds a reference.
    bool unique() const noexcept { return refs_.load(std::memory_order_acquire) == 1; }

    future_phase phase() const noexcept { return phase_.load(std::memory_order_acquire); }
    bool done() const noexcept { return phase() >= future_phase::finished; }
    bool cancelled() const noexcept { return phase() == future_phase::cancelled; }
    bool running() const noexcept {
        future_phase const p = phase();
        return p == future_phase::running || p == future_phase::deciding;
    }
    virtual bool has_error() const noexcept = 0;

    // --- for those who hold the future
    /// True if it is cancelled now, or was, or if another thread is at that. What runs is asked to stop.
    bool cancel() noexcept;
    void add_callback(std::unique_ptr<future_callback> c);
    /// False, and `w` is not enlisted, if it is done already.
    bool watch(future_watch& w);
    /// It is done, and the completed() of all that watched it has returned.
    bool has_told_all() const;
    /// False if `w` is not enlisted any more: its completed() has returned.
    bool unwatch(future_watch& w) noexcept;
    /// For a waiter who owns the job: cancels it if it has not begun, and then unlinks `w`. Otherwise
    /// asks it to stop and gives false: its end will come.
    bool cancel_for(future_watch& w) noexcept;

    /// Blocks until done, `timeout` at most; whether it is done.
    bool wait(std::chrono::nanoseconds timeout) const;
    /// The same, or timeout_error.
    void wait_or_throw(std::chrono::nanoseconds timeout) const;

    /// For a thread that is about to block, without a limit of time, until `w` is over, of which this
    /// is a part. May throw if that would never be.
    virtual void begin_block(const blocked_wait&) const {}
    virtual void end_block() const noexcept {}
    /// The executor of this job if a thread of it asks, which could not work while it is blocked.
    virtual const void* executor_of_this_thread() const noexcept { return nullptr; }
    /// This thread runs its job, which does not end while the thread is blocked.
    virtual bool runs_here() const noexcept { return false; }

    // --- for the producer
    /// False if a cancel came before. std::logic_error if the job has begun before.
    bool set_running();
    /// A job that has begun is to begin anew, on another worker: it can be cancelled again.
    void requeue() noexcept { phase_.store(future_phase::pending, std::memory_order_release); }
    /// The job has been ended because of a cancel.
    void end_cancelled() noexcept { publish(future_phase::cancelled); }
    /// From now on the caller alone decides. std::logic_error if somebody has decided.
    void claim();
    bool try_claim() noexcept;

    /// For dumps: `job 'name' on thread_executor`. Before the future is given away; `executor` is not
    /// copied.
    void set_label(const char* executor, std::string_view name);
    std::string_view name() const noexcept {
        return name_ ? std::string_view(*name_) : std::string_view();
    }
    void describe(std::string& out) const;

protected:
    virtual ~future_base() = default;

    /// A cancel came before the job began, and it never will: it leaves the queue and drops what it
    /// holds, before anybody can see that it is cancelled. On the thread that cancels.
    virtual void withdrawn() noexcept {}
    /// A job that runs is asked to stop. On any thread; it may be about to end, or have ended. True if
    /// it was to begin anew, and has been cancelled.
    virtual bool request_stop() noexcept { return false; }
    /// The outcome is there: wakes everybody and runs the callbacks, on this thread.
    void publish(future_phase outcome) noexcept;
    /// Prints a failure that no handle of this future ever asked for.
    void report_unseen(const std::exception_ptr& e) const noexcept;
    [[noreturn]] void throw_cancelled() const;

private:
    static void run_callback(future_callback& c) noexcept;
    bool block(std::chrono::nanoseconds timeout) const;

    std::atomic<std::uint32_t> refs_{0};
    std::atomic<future_phase> phase_{future_phase::pending};
    mutable std::mutex mutex_;  // of the two lists
    mutable intrusive_list<future_watch> watches_;
    std::unique_ptr<future_callback> first_callback_;
    future_callback* last_callback_ = nullptr;
    const char* executor_ = nullptr;
    std::unique_ptr<const std::string> name_;
};

template <class T>
class future_state : public future_base {
public:
    using value_type = T;

    ~future_state() override {
        if (auto* e = std::get_if<2>(&result_); e && !seen_.load(std::memory_order_relaxed)) {
            report_unseen(*e);
        }
    }

    // --- for the producer, who has said set_running() or claim()
    /// An exception of the value's constructor is the outcome then.
    template <class... U>
    void succeed(U&&... value) noexcept {
        try {
            result_.template emplace<1>(static_cast<U&&>(value)...);
        } catch (...) {
            result_.template emplace<2>(std::current_exception());
        }
        publish(future_phase::finished);
    }
    void fail(std::exception_ptr e) noexcept {
        result_.template emplace<2>(std::move(e));
        publish(future_phase::finished);
    }
    /// The producer is gone without an outcome. Not a failure of a job: only who waits has to know.
    void abandon(std::exception_ptr why) noexcept {
        if (!try_claim()) return;
        seen_.store(true, std::memory_order_relaxed);
        fail(std::move(why));
    }

    // --- for those who hold the future, when it is done
    /// The value, or what there is instead is thrown.
    T get() {
        throw_unless_value();
        if constexpr (!std::is_void_v<T>) return *std::get_if<1>(&result_);
    }
    /// The same for one who is the only one to ask: moved out.
    T take() {
        throw_unless_value();
        if constexpr (!std::is_void_v<T>) return std::move(*std::get_if<1>(&result_));
    }
    /// Of an rvalue handle: moved out if nobody else can ask for it, or if it can only be moved.
    T take_or_get() {
        if constexpr (std::is_void_v<T>) {
            return get();
        } else if constexpr (!is_copyable<T>) {
            return take();
        } else {
            return unique() ? take() : get();
        }
    }
    /// Null for a value.
    std::exception_ptr exception() {
        if (cancelled()) throw_cancelled();
        auto* const e = std::get_if<2>(&result_);
        if (e) seen_.store(true, std::memory_order_relaxed);
        return e ? *e : nullptr;
    }
    /// The same, and cancelled_error for a cancelled one.
    std::exception_ptr failure() {
        try {
            return exception();
        } catch (const cancelled_error&) {
            return std::current_exception();
        }
    }
    bool has_error() const noexcept override {
        return phase() == future_phase::finished && result_.index() == 2;
    }
    /// The failure, unseen still; null if there is none.
    const std::exception_ptr* peek_error() const noexcept {
        return has_error() ? std::get_if<2>(&result_) : nullptr;
    }

private:
    void throw_unless_value() {
        if (cancelled()) throw_cancelled();
        if (auto* e = std::get_if<2>(&result_)) {
            seen_.store(true, std::memory_order_relaxed);
            std::rethrow_exception(*e);
        }
    }

    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
    std::variant<std::monostate, stored, std::exception_ptr> result_;
    std::atomic<bool> seen_{false};
};

/// `job 'name' on executor`, or `a job on executor`.
void describe_job(std::string& out, const char* executor, std::string_view name);

/// What the future of a promise gets that dies undecided.
std::exception_ptr broken_promise() noexcept;

/// The name of a type as people write it.
std::string type_name(const std::type_info& type);
/// That of the exception.
std::string type_name(const std::exception_ptr& error);

/// pending | running | cancelled | finished returned T | finished raised E
std::string describe_phase(
    future_phase phase, const std::type_info& value, const std::exception_ptr* error
);

}  // namespace green::detail
