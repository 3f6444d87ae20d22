#include <green/executor/process_pool.hpp>

#include <green/executor/executor_error.hpp>
#include <green/executor/helper_thread.hpp>
#include <green/executor/process_worker_main.hpp>

#include <algorithm>
#include <cerrno>
#include <new>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

// The jobs: what submitting threads do, and what they and the manager do alike.

namespace green::detail {

process_pool::process_pool(process_pool_settings settings)
    : settings_(std::move(settings)), arguments_(settings_.arena_size) {
    counters_.max_workers = settings_.max_workers;
    ended_.set_running();
}

process_pool::~process_pool() {
    if (manager_.joinable()) manager_.detach();  // it is the manager that lets go last
}

void process_pool::require_open() const {
    if (!broken_.empty()) throw broken_executor(broken_);
    if (closed_) throw executor_error("cannot schedule new futures after shutdown");
}

/// Before the lock, which a fork may find taken for ever.
void process_pool::require_own() {
    if (owner_.claim()) return;
    throw executor_error("process_executor: it belongs to the process that this one was forked from"
    );
}

void process_pool::push(job_ref job) {
    require_own();
    lock const l(mutex_);
    require_open();
    start_manager();
    queue_.push_back(std::move(job));
    ++counters_.submitted;
    // To an idle worker directly: the manager would be one more thread to wake on the way.
    dispatch(1);
    if (workers_wanted() > 0) wake_manager();
}

future<void> process_pool::warm() {
    warm_ref const warmed = make_state<pool_future<void>>(shared_from_this());
    warmed->set_running();
    require_own();
    lock const l(mutex_);
    require_open();
    start_manager();
    warm_waiters_.push_back(warmed);
    wake_manager();
    return future_access::make<void>(warmed);
}

void process_pool::withdraw(process_job& job) noexcept {
    if (!owner_.is_this()) return;
    job_ref taken;  // its end is not under the lock
    lock const l(mutex_);
    if (!job.linked()) return;
    taken = queue_.remove(job);
    job.call.reset();
    ++counters_.cancelled;
    if (closed_) wake_manager();
}

bool process_pool::ask_to_stop(process_job& job) noexcept {
    if (!owner_.is_this()) return false;
    {
        lock const l(mutex_);
        job.stop_asked = true;
        if (job.worker) ask_to_stop(*job.worker, job);
        if (!job.linked()) return false;
    }
    return job.state().cancel();  // it has come back meanwhile
}

/// One that can be asked is at its worker alone.
void process_pool::ask_to_stop(worker_link& worker, const process_job& job) noexcept {
    if (job.on_cancel == cancel_policy::kill) {
        worker.kill_by(steady::time_point::min(), kill_reason::cancel);
        wake_manager();
    } else if (job.takes_token) {
        worker.cancel_due = true;
        try {
            worker.send_cancel();
            flush(worker);
        } catch (const std::bad_alloc&) {
            wake_manager();  // it will try again
        }
        if (settings_.cancel_grace == forever) return;
        worker.kill_by(time_after(settings_.cancel_grace), kill_reason::cancel);
        wake_manager();
    }
}

void process_pool::shutdown(bool cancel_pending, bool stop_running) {
    if (!owner_.is_this()) return;
    job_ref dropped;  // the first of a list: there may be no memory for another
    {
        lock const l(mutex_);
        closed_ = true;
        cancel_pending_ = cancel_pending_ || cancel_pending;
        if (cancel_pending) {
            for (const auto& w : workers_) {
                if (w->busy()) take_back(*w);
                if (stop_running && w->busy()) ask_to_stop(*w, *w->jobs.front().job);
            }
        }
        for (job_ref* last = &dropped; cancel_pending && !queue_.empty();) {
            *last = queue_.pop();
            (*last)->call.reset();  // the future may be kept for long
            last = &(*last)->next_dropped;
            ++counters_.cancelled;
        }
        if (manager_started_) {
            wake_manager();
        } else if (!std::exchange(over_, true)) {
            arguments_ = {};
            ended_.set_value();  // nothing has been started
        }
    }
    while (dropped) {
        job_ref const job = std::move(dropped);
        dropped = std::move(job->next_dropped);
        job->state().cancel();
    }
}

void process_pool::join() noexcept {
    std::lock_guard const one_at_a_time(join_mutex_);
    {
        lock const l(mutex_);
        if (!manager_started_) return;
    }
    if (!manager_.joinable() || manager_.get_id() == std::this_thread::get_id()) return;
    manager_.join();
}

bool process_pool::ended_within(std::chrono::nanoseconds limit) {
    lock l(mutex_);
    return over_changed_.wait_until(l, time_after(limit), [this] { return over_; });
}

void process_pool::signal_workers(int number) {
    if (!owner_.is_this()) return;
    shutdown(true);
    lock const l(mutex_);
    if (!manager_started_) return;
    signal_ = number;
    wake_manager();
}

executor_stats process_pool::stats() const {
    if (!owner_.is_this()) return {};
    lock const l(mutex_);
    executor_stats s = counters_;
    s.queued = queue_.size();
    for (const auto& w : workers_) {
        s.workers += w->active() || w->phase == worker_phase::retiring;
        s.idle += w->idle();
        s.running += w->jobs.size();
    }
    return s;
}

// --- the manager's thread, from outside

void process_pool::start_manager() {
    if (manager_started_) return;
    refuse_unplayed_role();
    events_ = descriptor(::epoll_create1(EPOLL_CLOEXEC));
    wake_ = descriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!events_ || !wake_) throw executor_error("process_executor: no descriptors are left");
    watch(wake_.get(), wake_id);
    manager_ = start_helper_thread("process_executor", [self = shared_from_this()] {
        self->manage();
    });
    manager_started_ = true;
    ::pthread_setname_np(manager_.native_handle(), "green-processes");
}

void process_pool::wake_manager() noexcept {
    if (std::exchange(manager_awake_, true)) return;
    ::eventfd_write(wake_.get(), 1);
}

void process_pool::watch(int fd, std::uint64_t id) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
    if (::epoll_ctl(events_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return;
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void process_pool::want(int fd, std::uint64_t id, std::uint32_t events) noexcept {
    epoll_event event{.events = events, .data = {.u64 = id}};
    ::epoll_ctl(events_.get(), EPOLL_CTL_MOD, fd, &event);
}

// --- from the queue to a worker

std::size_t process_pool::active_workers() const noexcept {
    return static_cast<std::size_t>(
        std::count_if(workers_.begin(), workers_.end(), [](const auto& w) { return w->active(); })
    );
}

/// For jobs that wait, and in the places of those that retire: a successor is there before its
/// predecessor goes.
std::size_t process_pool::workers_wanted() const noexcept {
    if (!broken_.empty()) return 0;
    std::size_t const free_places = settings_.max_workers -
        std::min(settings_.max_workers, active_workers());
    if (!warm_waiters_.empty()) return free_places;
    auto const available =
        static_cast<std::size_t>(std::count_if(workers_.begin(), workers_.end(), [](const auto& w) {
            return w->phase == worker_phase::starting || w->idle();
        }));
    std::size_t const for_jobs = queue_.size() - std::min(queue_.size(), available);
    return std::min(std::max(for_jobs, closed_ ? 0 : successors_), free_places);
}

void process_pool::dispatch(std::size_t depth) {
    while (!queue_.empty()) {
        worker_link* const worker = choose_worker(queue_.front(), depth);
        if (!worker) break;
        process_job& job = queue_.front();
        if (!job.state().set_running()) {
            job.call.reset();
            ++counters_.cancelled;
        } else {
            try {
                hand_over(*worker, job_ref(&job));
            } catch (const std::bad_alloc&) {
                job.state().requeue();
                wake_manager();  // it will try again
                break;
            }
        }
        queue_.pop();
    }
    for (const auto& w : workers_) {
        if (!w->out.empty() && !w->waits_for_room) flush(*w);
    }
}

/// An idle one, else the one with the fewest jobs. A successor waits until its predecessor is through:
/// no more workers than there may be are at work.
worker_link* process_pool::choose_worker(const process_job& job, std::size_t depth) noexcept {
    worker_link* idle = nullptr;
    worker_link* best = nullptr;
    std::size_t busy = 0;
    for (const auto& w : workers_) {
        busy += w->busy();
        if (w->idle()) {
            if (!idle) idle = w.get();
        } else if (!job.exclusive() && w->has_room(depth)) {
            if (!best || w->jobs.size() < best->jobs.size()) best = w.get();
        }
    }
    return idle && busy < settings_.max_workers ? idle : best;
}

void process_pool::hand_over(worker_link& worker, job_ref job) {
    worker.send(std::move(job), steady::now());
    if (worker.kill_at != steady::time_point::max()) wake_manager();
    if (settings_.max_tasks_per_child != 0 && worker.tasks >= settings_.max_tasks_per_child) {
        worker.phase = worker_phase::retiring;
        ++successors_;
    }
}

void process_pool::flush(worker_link& worker) noexcept {
    io_state const state = worker.out.flush(worker.socket.get());
    // A broken one is told of by its socket; until then it is as good as a full one.
    bool const full = state != io_state::done;
    if (full == std::exchange(worker.waits_for_room, full) || !worker.connected) return;
    bool const writable_wanted = state == io_state::blocked;
    want(worker.socket.get(), worker.id, EPOLLIN | (writable_wanted ? EPOLLOUT : 0U));
}

/// What it has been sent and has not begun, if it has seen that it was done before.
void process_pool::take_back(worker_link& worker) noexcept {
    if (!worker.taken_back_from) {
        worker.taken_back_from = worker.board.take_back(worker.sent);
        if (!worker.taken_back_from) return;
        worker.held_up = true;
    }
    try {
        put_back(worker, *worker.taken_back_from);
        worker.taken_back_from.reset();
    } catch (const std::bad_alloc&) {
        wake_manager();  // it will try again
    }
}

/// The jobs that it has not begun, in their order. std::bad_alloc: the rest is still to be put back.
void process_pool::put_back(worker_link& worker, std::uint64_t begun) {
    while (!worker.jobs.empty() && worker.jobs.back().number >= begun) {
        job_ref const job = worker.jobs.back().job;
        if (job->stop_asked) {
            cancelled_.push_back(job);
            wake_manager();
        } else {
            queue_.push_front(job);
            job->state().requeue();
        }
        job->worker = nullptr;
        worker.cancel_due = false;
        worker.jobs.pop_back();
        --worker.tasks;
    }
}

}  // namespace green::detail
