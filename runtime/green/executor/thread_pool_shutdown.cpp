#include <green/executor/executor_error.hpp>
#include <green/executor/thread_pool.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <utility>

// The end of a pool, its size, and what it is at.

namespace green::detail {

/// The first of all that wait, each with its `next`.
thread_job* thread_pool::take_queue() noexcept {
    thread_job* first = nullptr;
    for (thread_job** end = &first; thread_job* const j = queue_.pop(); end = &j->next) {
        *end = j;
        j->next = nullptr;
        ++cancelled_;
    }
    return first;
}

void thread_pool::wake_all() noexcept {
    while (worker* const w = idle_.pop_front()) {
        w->woken = true;
        w->woken_up.notify_one();
    }
}

void thread_pool::accept_no_more() noexcept {
    closed_ = true;
    collect(inbox_.take_and_close());
}

void thread_pool::close(lock& l, bool cancel_pending) noexcept {
    accept_no_more();
    note_push();  // whoever spins looks
    refuse_waiting(make_error<executor_error>("cannot schedule new futures after shutdown"));
    wake_all();
    worker* const next = choose_worker();  // with a size of 0 nobody has come to the queue yet
    thread_job* dropped = cancel_pending || threads_ == 0 ? take_queue() : nullptr;
    l.unlock();
    notify(next);
    while (thread_job* const j = dropped) {
        dropped = j->next;
        j->discard(*this);
        j->release();
    }
    l.lock();
}

void thread_pool::shutdown(const shutdown_options& o) {
    if (!owner_.is_this()) return;
    lock l(mutex_);
    close(l, o.cancel_pending || o.stop_running);
    if (o.stop_running) stop_running(l);
    if (!o.wait || given_up_ || is_worker()) return;  // a job cannot wait for its own end
    auto const gone = [this] { return threads_ == 0 || given_up_; };
    auto const start = std::chrono::steady_clock::now();
    if (o.grace > std::chrono::steady_clock::time_point::max() - start) {
        all_gone_.wait(l, gone);
    } else if (!all_gone_.wait_until(l, start + o.grace, gone)) {
        give_up(l);
        return;
    }
    if (given_up_) return;
    l.unlock();
    join_threads();
}

/// Asks each job that runs. None begins any more.
void thread_pool::stop_running(lock& l) noexcept {
    auto const running_after = [this](std::uint64_t number) {
        return std::find_if(workers_.begin(), workers_.end(), [number](const worker& w) {
            return w.number > number && w.job;
        });
    };
    for (auto w = running_after(0); w != workers_.end();) {
        std::uint64_t const number = w->number;
        thread_job* const j = w->job;
        j->retain();
        l.unlock();
        j->ask_to_stop();
        j->release();
        l.lock();
        w = running_after(number);
    }
}

/// The time is over: names what runs, asks it to stop and lets it go.
void thread_pool::give_up(lock& l) noexcept {
    given_up_ = true;
    close(l, true);
    for (worker& w : workers_) {
        if (w.thread.joinable()) w.thread.detach();
    }
    all_gone_.notify_all();  // nobody waits for them any more
    while (end_wait* const w = ends_.pop_front()) w->end();
    bool first = true;
    for (const worker& w : workers_) {
        if (!w.job) continue;
        if (std::exchange(first, false)) {
            std::fputs("green: thread_executor: left behind, still running:", stderr);
        }
        std::string_view const label = w.job->label();
        if (label.empty()) {
            std::fputs(" a job", stderr);
        } else {
            std::fprintf(stderr, " '%.*s'", static_cast<int>(label.size()), label.data());
        }
    }
    if (!first) std::fputs("\n", stderr);
    stop_running(l);
}

bool thread_pool::watch_end(end_wait& w) {
    std::lock_guard const l(mutex_);
    if (threads_ == 0 || given_up_) return false;
    ends_.push_back(w);
    return true;
}

bool thread_pool::forget(end_wait& w) noexcept {
    std::lock_guard const l(mutex_);
    if (!w.linked()) return false;
    ends_.remove(w);
    return true;
}

void thread_pool::join_threads() noexcept {
    std::thread ended;
    {
        std::lock_guard const l(mutex_);
        ended.swap(ended_);
    }
    if (!ended.joinable()) return;
    // The last worker destroys the pool itself when a job destroyed the executor.
    if (ended.get_id() == std::this_thread::get_id()) {
        ended.detach();
    } else {
        ended.join();
    }
}

// --- size and numbers

void thread_pool::resize(std::size_t max_workers) {
    check_owner();
    lock l(mutex_);
    max_workers_ = max_workers;
    if (threads_ > limit()) return wake_all();  // who is too many goes
    worker* const next = choose_worker();
    if (threads_ == 0 && limit() > 0 && !queue_.empty()) {
        throw executor_error("thread_executor: cannot start a thread for the jobs that wait");
    }
    l.unlock();
    notify(next);
}

std::size_t thread_pool::max_workers() const {
    if (!owner_.is_this()) return options_.max_workers;
    std::lock_guard const l(mutex_);
    return max_workers_;
}

executor_stats thread_pool::stats() {
    if (!owner_.is_this()) return {};
    std::lock_guard const l(mutex_);
    collect();
    executor_stats s;
    s.max_workers = max_workers_;
    s.workers = threads_;
    s.queued = queue_.size();
    s.running = running_;
    s.idle = threads_ - running_;
    s.submitted = submitted_;
    s.finished = finished_;
    s.cancelled = cancelled_;
    s.workers_started = started_;
    return s;
}

}  // namespace green::detail
