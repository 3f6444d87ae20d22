#pragma once

// Internal: a job of a thread executor.

#include <green/core/intrusive_list.hpp>
#include <green/executor/future_state.hpp>
#include <green/executor/job.hpp>
#include <green/executor/job_options.hpp>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace green::detail {

class thread_pool;

/// What every worker runs before its first job.
class worker_initializer {
public:
    virtual ~worker_initializer() = default;
    virtual void run() = 0;
};

/// A job in the queue of a thread pool. Who takes it out of the queue, which the pool's mutex decides,
/// calls one of the first three functions, and release() after that.
class thread_job : public list_node<thread_job> {
public:
    explicit thread_job(const job_options& options) noexcept
        : priority(options.priority), deadline(options.deadline) {}

    /// Runs it and gives its result away, on a worker of `pool`. False if it has been cancelled.
    virtual bool execute(thread_pool& pool) noexcept = 0;
    /// It will never begin: whoever waits for it gets cancelled_error.
    virtual void discard(thread_pool& pool) noexcept = 0;
    /// It will never begin: whoever waits for it gets `why`.
    virtual void reject(thread_pool& pool, std::exception_ptr why) noexcept = 0;
    /// The pool is through with it: it may be gone after that.
    virtual void release() noexcept = 0;

    /// Keeps it for another release(). While it is the pool's.
    virtual void retain() noexcept = 0;

    /// While it runs, or has run. On any thread.
    virtual void ask_to_stop() noexcept = 0;
    virtual std::string_view label() const noexcept = 0;

    const int priority;
    const std::chrono::nanoseconds deadline;
    thread_job* next = nullptr;  // in the pool's inbox, or among those that a shutdown takes out

protected:
    ~thread_job() = default;
};

// What a job needs of its pool; see thread_pool.hpp.

/// Out of the queue. False if a worker has it already, or had.
bool take_back(thread_pool& pool, thread_job& job) noexcept;
std::shared_ptr<thread_pool> keep_alive(thread_pool& pool) noexcept;
/// This thread is about to block until `w`, for which `job` has to end, is over: std::logic_error if it
/// never would be.
void begin_block(const thread_pool& pool, const thread_job& job, const blocked_wait& w);
void end_block(const thread_pool& pool) noexcept;
bool is_worker_of(const thread_pool& pool) noexcept;
/// This thread is one of the pool's, and at this job.
bool is_running_here(const thread_pool& pool, const thread_job& job) noexcept;

/// While it lives, a job that runs is asked to stop when it is late. For one without a deadline nothing.
class deadline_guard {
public:
    deadline_guard(thread_pool& pool, thread_job& job);
    deadline_guard(const deadline_guard&) = delete;
    deadline_guard& operator=(const deadline_guard&) = delete;
    ~deadline_guard();

    bool over() const noexcept;
    std::exception_ptr error() const;

private:
    thread_pool& pool_;
    thread_job& job_;
    std::chrono::steady_clock::time_point end_;
};

/// A closure with its arguments, and what came of calling it. The closure and the arguments die before
/// the result can be seen: who sees it may rely on that.
template <class T, class F, class... A>
class job_call {
public:
    explicit job_call(std::tuple<F, A...>&& call) : call_(std::in_place, std::move(call)) {
        if constexpr (takes_stop_token<F, A...>) stop_.emplace();
    }

    void run(thread_pool& pool, thread_job& job) noexcept {
        try {
            deadline_guard const limit(pool, job);
            try {
                call();
            } catch (...) {
                fail(std::current_exception());
            }
            if (limit.over()) fail(limit.error());
        } catch (...) {
            fail(std::current_exception());
        }
        call_.reset();
    }
    void fail(std::exception_ptr e) noexcept {
        call_.reset();
        result_.template emplace<2>(std::move(e));
    }
    /// It will not be called.
    void drop() noexcept { call_.reset(); }
    void request_stop() noexcept {
        if constexpr (takes_stop_token<F, A...>) stop_->request_stop();
    }

    /// Null for a value.
    std::exception_ptr error() const noexcept {
        auto* const e = std::get_if<2>(&result_);
        return e ? *e : nullptr;
    }
    T take() {
        if (auto* e = std::get_if<2>(&result_)) std::rethrow_exception(*e);
        if constexpr (!std::is_void_v<T>) return value();
    }
    /// To be moved from, where error() is null.
    auto&& value() noexcept { return std::move(*std::get_if<1>(&result_)); }

private:
    void call() {
        std::stop_token token;
        if constexpr (takes_stop_token<F, A...>) token = stop_->get_token();
        auto const apply = [&](F& f, A&... args) {
            if constexpr (std::is_void_v<T>) {
                call_job(f, token, args...);
                result_.template emplace<1>();
            } else {
                result_.template emplace<1>(call_job(f, token, args...));
            }
        };
        std::apply(apply, *call_);
    }

    struct none {};
    using stored = std::conditional_t<std::is_void_v<T>, std::monostate, T>;
    using stop_source =
        std::conditional_t<takes_stop_token<F, A...>, std::optional<std::stop_source>, none>;

    std::optional<std::tuple<F, A...>> call_;
    [[no_unique_address]] stop_source stop_;
    std::variant<std::monostate, stored, std::exception_ptr> result_;
};

/// A job with a future: state, closure and place in the queue in one block. The queue counts as one of
/// its references.
template <class T, class F, class... A>
class future_job final : public future_state<T>, public thread_job {
public:
    future_job(thread_pool& pool, const job_options& options, F&& f, A&&... args)
        : thread_job(options),
          pool_(pool),
          call_(std::tuple<F, A...>(std::move(f), std::move(args)...)) {
        this->set_label("thread_executor", options.name);
    }

    bool execute(thread_pool& pool) noexcept override {
        if (!this->set_running()) {
            leave(pool);
            return false;
        }
        call_.run(pool, *this);
        if (std::exception_ptr error = call_.error()) {
            this->fail(std::move(error));
        } else if constexpr (std::is_void_v<T>) {
            this->succeed();
        } else {
            this->succeed(call_.value());
        }
        return true;
    }
    void discard(thread_pool& pool) noexcept override {
        this->cancel();
        leave(pool);
    }
    void reject(thread_pool& pool, std::exception_ptr why) noexcept override {
        if (this->try_claim()) {
            call_.drop();
            this->fail(std::move(why));
        } else {
            leave(pool);
        }
    }
    void retain() noexcept override { this->add_ref(); }
    void release() noexcept override { this->drop_ref(); }
    void ask_to_stop() noexcept override { call_.request_stop(); }
    std::string_view label() const noexcept override { return this->name(); }

private:
    void withdrawn() noexcept override {
        bool const was_queued = take_back(pool_, *this);
        call_.drop();
        if (was_queued) this->drop_ref();
    }
    /// It has been cancelled while it was taken from the queue. Whoever cancels it may be about to look
    /// for it in `pool`, which therefore lives as long as this.
    void leave(thread_pool& pool) noexcept { pool_kept_ = keep_alive(pool); }
    bool request_stop() noexcept override {
        call_.request_stop();
        return false;
    }
    void begin_block(const blocked_wait& w) const override { detail::begin_block(pool_, *this, w); }
    void end_block() const noexcept override { detail::end_block(pool_); }
    const void* executor_of_this_thread() const noexcept override {
        return is_worker_of(pool_) ? &pool_ : nullptr;
    }
    bool runs_here() const noexcept override { return is_running_here(pool_, *this); }

    thread_pool& pool_;
    job_call<T, F, A...> call_;
    std::shared_ptr<thread_pool> pool_kept_;
};

}  // namespace green::detail
