#pragma once

// Internal: a job of a thread executor that a green task waits for.

#include <green/core/awaitable.hpp>
#include <green/executor/executor_interface.hpp>
#include <green/executor/thread_job.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

namespace green {

class thread_executor;

namespace detail {

/// A job in the frame of the task that waits for it: it needs no memory of its own and no future. The
/// task goes on when the pool has released it, and not before.
class frame_job : public leaf, public thread_job, private remote_call {
public:
    bool ready() const noexcept { return false; }
    void start();
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

    void retain() noexcept override { holds_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept override {
        // The last hold is the caller's: nobody adds one when the job has ended.
        if (holds_.load(std::memory_order_acquire) == 1) {
            holds_.store(0, std::memory_order_release);
        } else if (holds_.fetch_sub(1, std::memory_order_acq_rel) != 1) {
            return;
        }
        loop_->call_from_thread(*this);
    }
    std::string_view label() const noexcept override {
        return name_ ? std::string_view(*name_) : std::string_view();
    }

protected:
    frame_job(thread_pool& pool, const job_options& options)
        : thread_job(options),
          pool_(pool),
          name_(
              options.name.empty() ? nullptr : std::make_unique<const std::string>(options.name)
          ) {}
    ~frame_job() = default;

    static std::exception_ptr cancelled() noexcept;

private:
    void run() noexcept override;  // on the loop's thread

    scheduler* loop_ =
        nullptr;  // of the waiter, whose own memory is best left to the thread that uses it
    thread_pool& pool_;  // the executor is there as long as somebody waits for a job of it
    std::unique_ptr<const std::string> name_;
    std::atomic<int> holds_{1};
};

template <class F, class... A>
class run_leaf<thread_executor, F, A...> final : public frame_job {
    using T = job_result_t<F, A...>;
    using call = job_call<T, F, A...>;

public:
    template <class Executor>
    run_leaf(Executor& e, const job_options& options, std::tuple<F, A...>&& f)
        : frame_job(*e.pool_, options), call_(std::move(f)) {}

    T result() { return call_.take(); }

    bool execute(thread_pool& pool) noexcept override {
        call_.run(pool, *this);
        return true;
    }
    void discard(thread_pool&) noexcept override { call_.fail(cancelled()); }
    void reject(thread_pool&, std::exception_ptr why) noexcept override {
        call_.fail(std::move(why));
    }
    void ask_to_stop() noexcept override { call_.request_stop(); }

private:
    call call_;
};

}  // namespace detail
}  // namespace green
