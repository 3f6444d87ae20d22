#pragma once

// Internal: how green tasks wait for room in the queue of a thread executor.

#include <green/executor/future.hpp>
#include <green/executor/place_wait.hpp>

#include <exception>
#include <memory>
#include <utility>

namespace green::detail {

/// The queue's reference to the job is counted as long as it may get it.
template <class Job>
class submit_wait_leaf final : public place_wait {
public:
    submit_wait_leaf(std::shared_ptr<thread_pool> pool, state_ref<Job> j) noexcept
        : place_wait(std::move(pool), *j), job_(std::move(j)) {}

    bool ready() {
        state_ref<Job> queued = job_;
        if (!place_wait::ready()) return false;
        static_cast<void>(queued.release());
        return true;
    }
    void start() {
        state_ref<Job> queued = job_;
        place_wait::start();
        static_cast<void>(queued.release());
    }
    future<typename Job::value_type> result() {
        if (refused) {
            job_->drop_ref();
            std::rethrow_exception(refused);
        }
        return future_access::make(state_ref<future_state<typename Job::value_type>>(std::move(job_)
        ));
    }
    bool cancel() noexcept override {
        if (!place_wait::cancel()) return false;
        job_->drop_ref();
        return true;
    }

private:
    state_ref<Job> job_;
};

/// Awaited once.
template <class Job>
class [[nodiscard]] submit_wait_awaitable {
public:
    submit_wait_awaitable(std::shared_ptr<thread_pool> pool, state_ref<Job> j) noexcept
        : pool_(std::move(pool)), job_(std::move(j)) {}

    auto operator co_await() && { return submit_wait_leaf<Job>(std::move(pool_), std::move(job_)); }

private:
    std::shared_ptr<thread_pool> pool_;
    state_ref<Job> job_;
};

}  // namespace green::detail
