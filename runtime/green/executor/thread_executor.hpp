#pragma once

#include <green/executor/executor_interface.hpp>
#include <green/executor/executor_stats.hpp>
#include <green/executor/shutdown_options.hpp>
#include <green/executor/submit_wait.hpp>
#include <green/executor/thread_job.hpp>
#include <green/executor/thread_run.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace green {

/// The threads of an executor, and the queue before them.
struct thread_executor_options {
    /// Threads at most. 0: min(32, processors this process may use + 4), where taskset and the quota of
    /// a container count.
    std::size_t max_workers = 0;
    /// The threads are called "prefix-1", "prefix-2" …; the system shows 15 bytes of it. Copied.
    std::string_view thread_name_prefix = "green";
    /// Jobs that wait, at most; see `submit_wait`. 0: any number.
    std::size_t max_queue = 0;
    /// A thread that has had nothing to do for so long ends.
    std::chrono::nanoseconds keep_alive = std::chrono::seconds(60);
    /// A thread that runs out of jobs looks for another one for so long before it sleeps: a few
    /// microseconds to answer in less time than a sleeping thread takes to wake. One thread at a time
    /// does, and none when there are more threads than processors. So does a loop before it sleeps
    /// while a task of it awaits `run`. 0, or with one processor only: never.
    std::chrono::nanoseconds spin{0};
    /// What the destructor gives to jobs, see shutdown_options::grace: `forever` waits for all, 0 for
    /// none.
    std::chrono::nanoseconds shutdown_grace = forever;
};

/// Runs jobs on threads of its own; works with a loop and without one. For code that may crash, or that
/// must be ended from outside, use a process executor.
///
/// Threads start when they are needed and no idle one is there, up to `max_workers`. Jobs begin in the
/// order in which they were submitted, those of a greater priority first. The destructor is
/// `shutdown()`: it waits for every job that was submitted, and blocks its thread meanwhile. All
/// members may be called from any thread, also from a job, which may even destroy the executor: it
/// waits for nobody then. In a fork of the process that has used it submit is an executor_error, and
/// its end does nothing: its threads are not there. Model: concurrent.futures.ThreadPoolExecutor.
///
///     thread_executor pool;
///     int n = co_await pool.run(count_primes, 1'000'000);
class thread_executor : public executor_interface<thread_executor> {
public:
    static constexpr bool has_queue_limit = true;

    /// std::invalid_argument for 0.
    explicit thread_executor(std::size_t max_workers);
    explicit thread_executor(thread_executor_options options = {});
    /// Every thread calls `initializer()` before its first job. If one throws, the executor is broken:
    /// what is queued and every later submit gets broken_executor, and the cause is printed.
    template <std::invocable F>
    thread_executor(thread_executor_options options, F initializer)
        : thread_executor(
              options, std::make_unique<erased_initializer<F>>(std::move(initializer))
          ) {}
    ~thread_executor();
    thread_executor(const thread_executor&) = delete;
    thread_executor& operator=(const thread_executor&) = delete;

    /// As submit, but empty when the queue is full; `f` and the arguments are destroyed then.
    template <class F, class... A>
        requires detail::not_job_options<F>
    auto try_submit(F f, A... args) {
        return try_submit(job_options{}, std::move(f), std::move(args)...);
    }
    template <class F, class... A>
    auto try_submit(const job_options& options, F f, A... args) {
        using T = detail::checked_job_result_t<F, A...>;
        auto made = make_job<T>(*pool_, options, std::move(f), std::move(args)...);
        std::optional<future<T>> result;
        if (try_push(*made)) result = queued<T>(std::move(made));
        return result;
    }

    /// `future<R> f = co_await pool.submit_wait(g, args...)`: as submit, but where submit throws because
    /// the queue is full this waits for room. (`run` and `map` do not need it: they have few jobs in
    /// the queue by themselves.) executor_error if the executor is shut down meanwhile.
    /// **cancel:** total, the job is dropped. **order:** first come, first served.
    template <class F, class... A>
        requires detail::not_job_options<F>
    auto submit_wait(F f, A... args) {
        return submit_wait(job_options{}, std::move(f), std::move(args)...);
    }
    template <class F, class... A>
    auto submit_wait(const job_options& options, F f, A... args) {
        using T = detail::checked_job_result_t<F, A...>;
        auto made = make_job<T>(*pool_, options, std::move(f), std::move(args)...);
        return detail::submit_wait_awaitable(pool_, std::move(made));
    }

    /// No new jobs from now on; see shutdown_options. Again is harmless. In a job of this executor it
    /// does not wait.
    void shutdown(shutdown_options options = {});
    /// The same for a green task: no new jobs, and waits until all jobs have ended and all threads are
    /// gone, without blocking the loop; not for those that an earlier shutdown has left behind. **cancel:** of the wait only; the executor stays shut down.
    task<> close();

    /// Changes the number of threads. Fewer: those that are too many end after their jobs, but for one
    /// that runs what the others wait for. 0: jobs are accepted and wait until it is more again, or until
    /// the shutdown. executor_error if jobs wait and no thread can be started; they wait on.
    void resize(std::size_t max_workers);
    std::size_t max_workers() const;
    executor_stats stats() const;

private:
    friend executor_interface;
    template <class Executor, class F, class... A>
    friend class detail::run_leaf;

    template <class F>
    struct erased_initializer final : detail::worker_initializer {
        explicit erased_initializer(F&& f) : function(std::move(f)) {}
        void run() override { function(); }
        F function;  // of all threads at once
    };
    thread_executor(
        thread_executor_options options, std::unique_ptr<detail::worker_initializer> initializer
    );

    template <class T, class F, class... A>
    static auto make_job(detail::thread_pool& pool, const job_options& options, F f, A... args) {
        return detail::make_state<detail::future_job<T, F, A...>>(
            pool, options, std::move(f), std::move(args)...
        );
    }
    /// The future of a job that is queued: the queue has a reference too.
    template <class T, class Job>
    static future<T> queued(detail::state_ref<Job> j) {
        return detail::future_access::make<T>(detail::state_ref<detail::future_state<T>>(std::move(j
        )));
    }
    template <class F, class... A>
    static auto start_job_on(
        detail::thread_pool& pool, const job_options& options, F f, A... args
    ) {
        using T = detail::job_result_t<F, A...>;
        auto made = make_job<T>(pool, options, std::move(f), std::move(args)...);
        push(pool, *made);
        return detail::state_ref<detail::future_state<T>>(std::move(made));
    }
    template <class F, class... A>
    auto start_job(const job_options& options, F f, A... args) {
        return start_job_on(*pool_, options, std::move(f), std::move(args)...);
    }
    auto job_starter() const {
        return [pool = pool_](auto f, auto... args) {
            return start_job_on(*pool, {}, std::move(f), std::move(args)...);
        };
    }
    template <class F, class... A>
    auto start_job_within_limit(const job_options& options, F f, A... args) {
        using T = detail::job_result_t<F, A...>;
        auto made = make_job<T>(*pool_, options, std::move(f), std::move(args)...);
        if (!try_push(*made)) throw_full();
        return detail::state_ref<detail::future_state<T>>(std::move(made));
    }
    static void push(detail::thread_pool& pool, detail::thread_job& j);
    bool try_push(detail::thread_job& j);
    [[noreturn]] static void throw_full();

    std::shared_ptr<detail::thread_pool> pool_;  // shared with the threads
    std::chrono::nanoseconds grace_;
};

}  // namespace green
