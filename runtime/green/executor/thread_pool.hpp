#pragma once

// Internal: the threads and the queue of a thread executor.

#include <green/executor/deadline_watch.hpp>
#include <green/executor/executor_stats.hpp>
#include <green/executor/job_queue.hpp>
#include <green/executor/owning_process.hpp>
#include <green/executor/place_wait.hpp>
#include <green/executor/shutdown_options.hpp>
#include <green/executor/thread_job.hpp>
#include <green/loop/inbox.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace green::detail {

//  A worker
//
//              ┌────────────── a job is queued ───────────────┐
//              ▼                                              │
//    start ─► takes jobs ── none is left ─► spins (one at a time, if at all) ─► idle
//              │                                                                 │
//              └─ too many workers, or the end ─► gone ◄── nothing to do for keep_alive
//
//  One wake-up at most is under way: `submit` wakes a worker only if none is about to look, and a worker
//  that finds more than one job wakes the next one. So a burst of submits costs one wake-up, and as
//  many workers as are needed come one after another. New threads are started in the same way. The
//  worker that went idle last is woken first: it is warm, and the others can go.
//
//  Everything is under one mutex, which is never held while a job, a callback or a destructor runs. Only
//  an ordinary job that wakes nobody does without: while the queue is attended, that is, every worker
//  there may be is at work or one is on its way to the queue, it is pushed into the inbox, and goes into
//  the queue from there when the queue has no ordinary job left, or somebody has to see the whole of it.
//  The executor and each of its threads share the pool.
class thread_pool : public std::enable_shared_from_this<thread_pool> {
public:
    struct options {
        std::size_t max_workers;
        std::size_t max_queue;  // 0: no bound
        std::string name_prefix;
        std::chrono::nanoseconds keep_alive;
        std::chrono::nanoseconds spin{0};
        std::size_t processors;
    };

    thread_pool(options o, std::unique_ptr<worker_initializer> initializer);
    thread_pool(const thread_pool&) = delete;
    thread_pool& operator=(const thread_pool&) = delete;
    ~thread_pool();

    /// Not a copy of it that a fork has left in another process, where it has no threads.
    bool is_of_this_process() const noexcept { return owner_.is_this(); }

    // --- jobs
    /// Queues a job, which the pool releases later; if it throws, the job stays the caller's.
    void push(thread_job& j);
    /// The same if the queue has room; whether it had.
    bool try_push(thread_job& j);
    /// The same as soon as there is room: true if there is, otherwise `w` waits in a FIFO.
    bool push_or_wait(thread_job& j, place_wait& w);
    /// False if `w` does not wait any more.
    bool forget(place_wait& w) noexcept;
    /// False if it is not queued.
    bool take_back(thread_job& j) noexcept;

    // --- workers
    void resize(std::size_t max_workers);
    std::size_t max_workers() const;
    std::chrono::nanoseconds spin_time() const noexcept { return options_.spin; }
    executor_stats stats();

    // --- the end
    void shutdown(const shutdown_options& o);
    /// False, and `w` is not kept, if no worker is left.
    bool watch_end(end_wait& w);
    bool forget(end_wait& w) noexcept;
    /// After the last worker has left.
    void join_threads() noexcept;

    // --- for jobs that run
    void begin_block(const thread_job& job, const blocked_wait& w);
    void end_block() noexcept;
    deadline_watch& deadlines() noexcept { return *deadlines_; }
    /// This thread is one of the pool's.
    bool is_worker() const noexcept;
    /// For such a thread: it runs this job.
    bool is_at(const thread_job& job) const noexcept;

private:
    struct worker : list_node<worker> {
        std::thread thread;
        std::uint64_t number = 0;
        std::condition_variable woken_up;
        bool woken = false;
        thread_job* job = nullptr;  // that it runs
        std::optional<blocked_wait> blocked_on;  // what its job waits for
    };
    using worker_place = std::list<worker>::iterator;
    using lock = std::unique_lock<std::mutex>;

    lock acquire() const noexcept;

    // thread_pool.cpp: jobs
    void check_owner();
    void check_open() const;
    bool push_to_inbox(thread_job& j) noexcept;
    void collect(thread_job* oldest) noexcept;
    void collect() noexcept { collect(inbox_.take()); }
    void note_push() noexcept {
        pushes_.store(pushes_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
    bool has_room() const noexcept;
    void prepare_deadline(const thread_job& j);
    void enqueue(thread_job& j, lock& l);
    void admit_waiting() noexcept;
    void refuse_waiting(const std::exception_ptr& why) noexcept;

    // thread_pool_workers.cpp
    std::size_t limit() const noexcept;
    bool is_attended() const noexcept;
    void set_attended(bool is) noexcept;
    worker* choose_worker();
    worker* send_worker();
    thread_job* next_job() noexcept;
    void start_worker();
    void start_first_worker(thread_job& j);
    void serve(worker_place me);
    void enter(worker& me) noexcept;
    bool initialize(lock& l);
    void break_pool(const std::string& why, lock& l) noexcept;
    static bool is_stuck(const worker& w);
    bool is_superfluous(const worker& me) const;
    void work(worker& me, lock& l);
    bool wait_for_work(worker& me, lock& l);
    void spin(lock& l);
    bool run_job(thread_job& j);
    void leave(worker_place me, lock& l);
    static void notify(worker* w) noexcept {
        if (w) w->woken_up.notify_one();
    }

    // thread_pool_shutdown.cpp: without memory of its own, since there may be none
    thread_job* take_queue() noexcept;
    void accept_no_more() noexcept;
    void close(lock& l, bool cancel_pending) noexcept;
    void stop_running(lock& l) noexcept;
    void give_up(lock& l) noexcept;
    void wake_all() noexcept;

    const options options_;
    std::unique_ptr<worker_initializer> const initializer_;

    alignas(cache_line) inbox<thread_job> inbox_;
    std::atomic<bool> attended_{false};
    owning_process owner_;  // from the first job on
    alignas(cache_line) mutable std::mutex mutex_;  // of the rest
    job_queue queue_;
    intrusive_list<worker> idle_;
    bool waking_ = false;  // a worker is on its way to look at the queue
    bool spinning_ = false;
    bool closed_ = false;
    bool given_up_ = false;  // the jobs that still run have been left behind
    std::string broken_;  // why; empty while it is not
    std::size_t max_workers_;
    std::size_t threads_ = 0;  // workers that have not left
    std::size_t starting_ = 0;  // of them, those that have not looked at the queue yet
    std::size_t running_ = 0;
    std::uint64_t submitted_ = 0;
    std::uint64_t finished_ = 0;
    std::uint64_t cancelled_ = 0;
    std::uint64_t started_ = 0;
    intrusive_list<place_wait> waiting_;  // for room in the queue
    intrusive_list<end_wait> ends_;  // for the last worker
    std::list<worker> workers_;  // in the order of their numbers
    std::list<worker> left_;  // kept: somebody may still be about to notify one
    std::thread ended_;  // the last that has left, to be joined: it has joined the one before
    std::condition_variable all_gone_;
    std::unique_ptr<deadline_watch> deadlines_;
    std::atomic<std::uint32_t> pushes_{0};  // for who spins
};

}  // namespace green::detail
