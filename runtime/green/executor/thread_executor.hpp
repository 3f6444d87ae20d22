#pragma once

#include <green/executor/executor_interface.hpp>
#include <green/executor/shutdown_options.hpp>
#include <green/executor/thread_job.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

namespace green {

struct thread_executor_options {
    /// Threads at most. 0: min(32, processors this process may use + 4).
    std::size_t max_workers = 0;
    /// The threads are called "prefix-1", "prefix-2" …; the system shows 15 bytes of it.
    std::string_view thread_name_prefix = "green";
};

/// Runs jobs on threads of its own; works with a loop and without one.
///
/// Threads start when they are needed and no idle one is there, up to `max_workers`, and stay until
/// the executor is shut down. Jobs begin in the order in which they were submitted. The destructor
/// is `shutdown()`: it waits for every job that was submitted. All members may be called from any
/// thread, `submit` also from a job. Model: concurrent.futures.ThreadPoolExecutor.
///
///     thread_executor pool;
///     int n = co_await pool.submit(count_primes, 1'000'000);
class thread_executor : public executor_interface<thread_executor> {
public:
    /// std::invalid_argument for 0.
    explicit thread_executor(std::size_t max_workers);
    explicit thread_executor(thread_executor_options options = {});
    ~thread_executor();
    thread_executor(const thread_executor&) = delete;
    thread_executor& operator=(const thread_executor&) = delete;

    /// No new jobs from now on; see shutdown_options. Again is harmless.
    void shutdown(shutdown_options options = {});

    std::size_t max_workers() const noexcept;

private:
    friend executor_interface;
    template <class Executor, class F, class... A>
    friend class detail::run_leaf;

    template <class F, class... A>
    auto start_job(const job_options& options, F f, A... args) {
        using T = detail::job_result_t<F, A...>;
        auto made = detail::make_state<detail::future_job<T, F, A...>>(
            *pool_, std::move(f), std::move(args)...
        );
        made->set_label("thread_executor", options.name);
        auto queued = made;
        push(*queued);
        static_cast<void>(queued.release());  // the queue's reference
        return detail::state_ref<detail::future_state<T>>(std::move(made));
    }

    void push(detail::thread_job& j);

    std::shared_ptr<detail::thread_pool> pool_;  // shared with the threads
};

}  // namespace green
