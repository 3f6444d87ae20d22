#pragma once

#include <green/core/task.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/executor_interface.hpp>
#include <green/executor/executor_stats.hpp>
#include <green/executor/future.hpp>
#include <green/executor/outgoing_call.hpp>
#include <green/executor/process_worker_main.hpp>
#include <green/executor/remote_function.hpp>
#include <green/executor/remote_job.hpp>
#include <green/executor/remote_map.hpp>
#include <green/executor/shared_array.hpp>
#include <green/executor/shutdown_options.hpp>
#include <green/executor/worker_died.hpp>
#include <green/executor/worker_line.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace green {

/// How worker processes come to life.
enum class start_method : unsigned char {
    fork,  ///< Copies of the fork server, a fresh and single-threaded start of this program: 0.3 ms each.
    exec,  ///< Each a start of this program of its own: its static initialisers run in every worker.
};

struct process_executor_options {
    /// Worker processes at most, and jobs that run at once. 0: as many as processors this process may use.
    std::size_t max_workers = 0;
    /// A worker ends after so many jobs at most, and another takes its place: against leaks in what jobs
    /// use. That one is started, beyond max_workers, before the last job is over, and gets its first one
    /// after that. 0: never.
    std::size_t max_tasks_per_child = 0;
    /// Runs once in every worker before its first job. If it throws, the executor is broken: what waits
    /// and every later submit gets broken_executor. A plain function of this program.
    void (*initializer)() = nullptr;
    /// Runs once in the fork server before the first worker: what it loads is there in every worker, in
    /// memory that all share until one writes to it. It leaves no thread behind, for a process with
    /// threads cannot be forked. If it throws, or leaves one, the executor is broken, with the cause. With
    /// start_method::exec, and where the fork server has threads of a sanitizer, it runs in every worker
    /// instead, before the initializer. A plain function of this program.
    /// Model: multiprocessing.set_forkserver_preload.
    void (*preload)() = nullptr;
    /// Gets what workers write to stdout and stderr, a line at a time: all that a job has written before
    /// its future is done, the last line of a worker that died also without its end. A line of more than
    /// 64 KiB comes in parts. It is called on a thread of the executor, which does nothing else
    /// meanwhile; a worker that writes faster than it returns waits. What it throws is printed.
    /// `print_worker_line` is one. Null: workers write to the streams of this process.
    void (*on_output)(const worker_line& line) = nullptr;
    start_method method = start_method::fork;
    /// Bytes of address space of a worker (RLIMIT_AS): an allocation beyond is a std::bad_alloc in its
    /// job alone. 0: no limit.
    std::uint64_t memory_limit = 0;
    /// Seconds of processor time of a worker (RLIMIT_CPU); then it is killed. 0: no limit.
    std::uint64_t cpu_limit = 0;
    /// Added to the priority of this process: greater is less urgent, 19 the least.
    int nice = 0;
    /// A running job that was asked to stop through its std::stop_token and has not ended after this
    /// is killed, and cancelled.
    std::chrono::nanoseconds cancel_grace = forever;
    /// Each worker stays on one processor of those that this process may use: the one that has the fewest
    /// workers. For jobs that live of what is in a cache; else the system distributes better.
    bool pin_workers = false;
    /// Bytes of shared memory for arguments, and as many for the results of each worker. Calls and
    /// results from 256 KiB up go through it, as long as there is room; all else, and all if this is 0,
    /// is copied through a socket. It is address space to begin with: memory is taken as it is used, and
    /// a quarter is kept then. Not a part of `memory_limit`. A worker can read the arguments of every
    /// job of its executor. Not used by a process whose own address space or size of files is limited
    /// (`ulimit -v`, `-f`).
    std::size_t arena_size = std::size_t{1} << 30;
    /// Bytes of one encoded result at most, without shared arrays that it refers to: a job with a larger
    /// one fails with executor_error. This is also what a worker that a job has made run wild can make
    /// this process take at once, so choose it if jobs are not trusted. 0: no limit.
    std::uint64_t max_result_size = std::uint64_t{1} << 36;
};

/// Runs jobs in processes of their own: a job that crashes, hangs or eats all memory costs that job,
/// and one that runs can be ended for real. For jobs that need none of that, thread_executor is
/// cheaper by far and takes any callable.
///
/// A job is a function of this program or a lambda without captures, with arguments and a result that
/// can be sent (`codec`); all else is an error of the compiler. Workers are started when they are
/// needed, up to `max_workers`, by a *fork server*, which is this program started once more, and are
/// used again. Therefore a main that does not begin with `run` or `run_main` begins with
/// `process_worker_main()`. The application itself is never forked.
///
/// **A worker dies** (a signal, `exit`, `abort`, the system's out-of-memory killer): the job that it ran
/// fails with `worker_died`, unless it has `job_options::retries` left. All other jobs run on,
/// each once, and another worker takes its place. A worker dies with this process, also when this
/// is killed; Ctrl-C is for this process alone.
/// **A job is ended** by its `job_options::deadline` (timeout_error), and by a cancel if its
/// `on_cancel` is `kill` (cancelled_error): the worker is killed and replaced. Otherwise a cancel asks a
/// running job through its std::stop_token, if it takes one.
///
/// Jobs begin in the order in which they were submitted, by priority first. Several may be sent to a
/// worker ahead, while jobs are short; they count as running then. Those behind a job that takes
/// more than some milliseconds are taken back: they wait again, and can be cancelled. The destructor
/// is `shutdown()`: it waits for every job. All members may be called from any thread. Nothing is
/// started before the first job, so an executor may be a global variable. In a fork of the process that
/// has used it submit is an executor_error, and its end does nothing.
/// Model: concurrent.futures.ProcessPoolExecutor.
///
///     process_executor pool;
///     bool prime = co_await pool.run(is_prime, 112272535095293);
class process_executor : public executor_interface<process_executor> {
public:
    /// std::invalid_argument for 0.
    explicit process_executor(std::size_t max_workers);
    explicit process_executor(const process_executor_options& options = {});
    ~process_executor();
    process_executor(const process_executor&) = delete;
    process_executor& operator=(const process_executor&) = delete;

    /// Done when all workers are there and initialised; from then on no job waits for a start.
    /// broken_executor if they cannot be.
    future<void> warm();

    /// No new jobs from now on; see shutdown_options. What runs is not cut off, but for `grace`: when it
    /// is over the workers are killed. Again is harmless. In a callback of one of its futures it does
    /// not wait.
    void shutdown(shutdown_options options = {});

    /// The same as `shutdown()`, without blocking the loop.
    /// **cancel:** the executor is shut down all the same, and not waited for.
    task<> close();

    /// Cancels what has not begun, and SIGTERM for every worker: what runs fails with worker_died,
    /// unless it handles the signal. Does not wait. Model: ProcessPoolExecutor.terminate_workers.
    void terminate_workers();
    /// The same with SIGKILL.
    void kill_workers();

    /// `n` elements for an argument that is not copied on its way; see shared_array. Their values are
    /// indeterminate. If all shared memory is in use, or `arena_size` is 0, the array is in ordinary
    /// memory and is copied when it is sent. std::bad_alloc.
    template <class T>
    shared_array<T> allocate_shared(std::size_t n) const {
        return detail::allocate_shared_in<T>(arena_, n);
    }

    executor_stats stats() const;
    std::size_t max_workers() const noexcept;

private:
    friend executor_interface;
    template <class Executor, class F, class... A>
    friend class detail::run_leaf;

    using pool_ref = std::shared_ptr<detail::process_pool>;
    using arena_ref = std::shared_ptr<detail::shared_arena>;

    template <class F, class... A>
    static auto start_job_on(
        const pool_ref& pool, const arena_ref& arena, const job_options& options, F f, A... args
    ) {
        using T = detail::remote_result<F, A...>;
        constexpr bool takes_token = detail::takes_stop_token<F, A...>;
        auto call = std::make_shared<detail::outgoing_call>(arena);
        encoder e(call->bytes, call.get());
        detail::encode_call(e, f, std::move(args)...);
        auto made =
            detail::make_state<detail::remote_job<T>>(pool, std::move(call), options, takes_token);
        made->set_label("process_executor", options.name);
        push(*pool, detail::job_ref(made.get()));
        return detail::state_ref<detail::future_state<T>>(std::move(made));
    }
    template <class F, class... A>
    auto start_job(const job_options& options, F f, A... args) {
        return start_job_on(pool_, arena_, options, std::move(f), std::move(args)...);
    }
    auto job_starter() const {
        return [pool = pool_, arena = arena_](auto f, auto... args) {
            return start_job_on(pool, arena, {}, std::move(f), std::move(args)...);
        };
    }

    static void push(detail::process_pool& pool, detail::job_ref job);

    pool_ref pool_;  // shared with its jobs and its thread
    arena_ref arena_;  // of the arguments; null if there is none
};

}  // namespace green
