#pragma once

// Internal: the application's side of a process executor.
//
//   submitting threads                    manager thread                    fork server, workers
//   ──────────────────                    ──────────────                    ────────────────────
//   push(job) ─┬─ a worker is idle ───────────────────────────────────────► its job socket
//              └─ else ► queue_ ────────► dispatch ───────────────────────► job sockets, coalesced
//                                         starts, kills ──────────────────► control socket
//                                         collect ◄──── bell, board, results, ends of sockets
//                                         publish (no lock held) ► futures ► loops, threads, callbacks
//
// One mutex guards all but the futures. Lock order: pool, then future. The manager alone receives,
// and alone ends jobs that have begun, so the user's code (codecs, callbacks) runs without the lock.
//
// A job is in exactly one place: the queue; the list of one worker; or the manager's hands, on its
// way to its end. What happens to it when its worker dies is decided by the worker's board:
//   begun, not answered   it is charged with the death: worker_died, or again if it has retries left
//   answered on the board its result counts
//   not begun             back to the front of the queue, in order; nobody notices

#include <green/executor/executor_stats.hpp>
#include <green/executor/fork_server_link.hpp>
#include <green/executor/future.hpp>
#include <green/executor/owning_process.hpp>
#include <green/executor/pool_future.hpp>
#include <green/executor/process_job.hpp>
#include <green/executor/process_launch.hpp>
#include <green/executor/promise.hpp>
#include <green/executor/shared_memory.hpp>
#include <green/executor/worker_arena.hpp>
#include <green/executor/worker_link.hpp>

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

namespace green::detail {

/// What a pool is made with; see process_executor_options.
struct process_pool_settings {
    std::size_t max_workers = 1;
    std::size_t max_tasks_per_child = 0;
    start_mode mode = start_mode::fork;
    std::chrono::nanoseconds cancel_grace = forever;
    std::size_t arena_size = 0;
    worker_settings worker;
    byte_buffer preload;  // an encoded call, as is
    byte_buffer initializer;
    void (*on_output)(const worker_line&) = nullptr;
    std::vector<int> processors;  // that workers are spread over; empty: they are not
};

class process_pool : public std::enable_shared_from_this<process_pool> {
public:
    explicit process_pool(process_pool_settings settings);
    ~process_pool();
    process_pool(const process_pool&) = delete;
    process_pool& operator=(const process_pool&) = delete;

    /// Not a copy of it that a fork has left in another process, where it has no thread.
    bool is_of_this_process() const noexcept { return owner_.is_this(); }

    // --- any thread
    /// executor_error after shutdown, broken_executor.
    void push(job_ref job);
    /// For a job that was cancelled before it began.
    void withdraw(process_job& job) noexcept;
    /// For a job that was cancelled after that. True if it was in the queue again, and has been cancelled.
    bool ask_to_stop(process_job& job) noexcept;
    /// Done when all workers are started and initialised, or never can be.
    future<void> warm();
    void shutdown(bool cancel_pending, bool stop_running = false);
    /// Waits until the last worker is gone. Not on the manager's thread, where it does nothing.
    void join() noexcept;
    /// Waits so long at most; whether the last worker is gone.
    bool ended_within(std::chrono::nanoseconds limit);
    future<void> ended() const { return ended_.get_future(); }
    /// shutdown(true), and this signal for every worker.
    void signal_workers(int number);
    /// This thread is the one that ends jobs: it runs the user's codecs and callbacks.
    bool is_manager() const noexcept;
    executor_stats stats() const;
    std::size_t max_workers() const noexcept { return settings_.max_workers; }
    const std::shared_ptr<shared_arena>& arguments() const noexcept { return arguments_.arena; }

private:
    /// What becomes of a job that is over, once no lock is held.
    struct completion {
        enum class kind : std::uint8_t { received, failed, cancelled };
        job_ref job;
        kind outcome = kind::received;
        std::size_t offset = 0;  // received: in arrived_, if it is not in `own`
        std::size_t size = 0;
        byte_buffer own;
        std::shared_ptr<result_memory> lender;  // received: of what the outcome refers to
        std::exception_ptr error;
    };
    using lock = std::unique_lock<std::mutex>;
    using warm_ref = state_ref<pool_future<void>>;

    // process_pool.cpp: jobs. With the lock held, on any thread.
    void require_open() const;
    void require_own();
    void start_manager();
    void wake_manager() noexcept;
    void dispatch(std::size_t depth);
    worker_link* choose_worker(const process_job& job, std::size_t depth) noexcept;
    void hand_over(worker_link& worker, job_ref job);
    void flush(worker_link& worker) noexcept;
    void watch(int fd, std::uint64_t id);
    void want(int fd, std::uint64_t id, std::uint32_t events) noexcept;
    std::size_t active_workers() const noexcept;
    std::size_t workers_wanted() const noexcept;
    void ask_to_stop(worker_link& worker, const process_job& job) noexcept;
    void take_back(worker_link& worker) noexcept;
    void put_back(worker_link& worker, std::uint64_t begun);
    std::uint64_t first_spared(worker_link& worker) noexcept;

    /// For `count` more.
    template <class T>
    static void make_room(std::vector<T>& items, std::size_t count) {
        std::size_t const needed = items.size() + count;
        if (needed > items.capacity()) items.reserve(std::max(needed, 2 * items.capacity()));
    }

    // process_manager.cpp: events. On the manager's thread, with the lock but for publish.
    void manage() noexcept;
    bool turn();
    void hear_again(steady::time_point now);
    int patience(steady::time_point now) const noexcept;
    void handle_event(std::uint64_t id, std::uint32_t events, steady::time_point now);
    void hear_server(steady::time_point now);
    void obey_server(const control_message& message);
    void flush_server();
    void hear_worker(worker_link& worker, int reads);
    bool may_arrive(worker_link& worker, const frame_header& header);
    void handle_frame(worker_link& worker, frame& f);
    void collect(worker_link& worker);
    bool finish(worker_link& worker, const frame_header& header, completion done);
    void read_output(worker_link& worker);
    void close_output(worker_output& output) noexcept;
    void deliver_output() noexcept;
    void publish();
    void receive(const completion& c) noexcept;
    std::vector<warm_ref> take_warmed();
    std::exception_ptr warm_problem() const;

    // process_workers.cpp: starts and ends of workers. On the manager's thread, with the lock.
    void start_workers(steady::time_point now);
    void launch_server(steady::time_point now);
    void start_worker(steady::time_point now);
    void capture_output(worker_link& worker, passed_descriptors& passed);
    byte_buffer settings_for(int processor) const;
    int least_used_processor() const noexcept;
    void start_failed(steady::time_point now, const std::string& why);
    void server_ended(steady::time_point now);
    void break_pool(const std::string& why);
    void empty_queue();
    void disconnect(worker_link& worker);
    void kill(worker_link& worker, int number);
    void send_signals();
    void check_times(steady::time_point now);
    void share_out(steady::time_point now);
    void bury(steady::time_point now);
    void conclude(worker_link& worker, steady::time_point now);
    void charge(const worker_link& worker, process_job& job, const worker_exit& how);
    void end(process_job& job, completion::kind outcome, std::exception_ptr why = nullptr);
    void retire_workers(steady::time_point now);
    worker_link* find_worker(std::uint64_t id) noexcept;

    /// How long the manager leaves alone a worker that has been sent several jobs. Then it looks
    /// whether results lie on its board, and whether one job keeps the others from running elsewhere.
    static constexpr auto look_again_after = std::chrono::milliseconds(2);

    // What epoll calls the descriptors.
    static constexpr std::uint64_t wake_id = 0;
    static constexpr std::uint64_t server_id = 1;
    static constexpr std::uint64_t first_worker_id = 2;
    static constexpr std::uint64_t output_of = std::uint64_t{1}
        << 63;  // a worker: both its streams

    owning_process owner_;  // from the first job on
    process_pool_settings const settings_;
    environment_copy const environment_;
    shared_arguments arguments_;  // until it is over

    mutable std::mutex mutex_;
    process_job_queue queue_;
    std::vector<std::unique_ptr<worker_link>> workers_;
    std::vector<warm_ref> warm_waiters_;
    std::vector<job_ref> cancelled_;  // taken back from a worker, for the manager to end
    fork_server_link server_;
    executor_stats counters_;
    std::string broken_;  // why, if it is
    double job_ns_ = 0;  // how long jobs take, lately
    std::size_t successors_ = 0;  // to start, of workers that retire
    int signal_ = 0;  // for all workers
    bool closed_ = false;
    bool cancel_pending_ = false;
    bool over_ = false;
    bool manager_awake_ = false;
    std::condition_variable over_changed_;

    // The manager's.
    descriptor events_;  // an epoll
    descriptor wake_;  // an eventfd
    byte_buffer arrived_;
    byte_buffer copied_;  // an outcome that lay in shared memory
    std::vector<completion> completions_;
    std::vector<captured_line> lines_;
    bool output_left_ = false;  // there was no memory to cut it into lines
    std::uint64_t next_worker_ = first_worker_id;
    steady::time_point hello_by_ = steady::time_point::max();
    steady::time_point start_again_at_ = steady::time_point::min();
    steady::time_point server_ended_at_ = steady::time_point::max();
    unsigned failed_starts_ = 0;  // in a row
    bool server_answered_ = false;
    bool preloading_ = false;
    std::optional<control_message> unheard_;  // one that there was no memory to obey
    bool server_waits_for_room_ = false;
    int patience_ = 0;  // milliseconds to the next look, if nothing happens

    promise<void> ended_;
    bool manager_started_ = false;  // under mutex_; then manager_ is under join_mutex_
    std::mutex join_mutex_;
    std::thread manager_;
};

}  // namespace green::detail
