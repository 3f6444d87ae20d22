#include <green/executor/executor_error.hpp>
#include <green/executor/thread_pool.hpp>

#include <cstdio>
#include <string>
#include <utility>

// The end of a pool, its size, and what it is at.

namespace green::detail {

std::vector<thread_job*> thread_pool::take_queue() {
    std::vector<thread_job*> jobs;
    jobs.reserve(queue_.size());
    while (thread_job* const j = queue_.pop()) jobs.push_back(j);
    cancelled_ += jobs.size();
    return jobs;
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

void thread_pool::close(lock& l, bool cancel_pending) {
    accept_no_more();
    note_push();  // whoever spins looks
    refuse_waiting(
        std::make_exception_ptr(executor_error("cannot schedule new futures after shutdown"))
    );
    wake_all();
    worker* const next = choose_worker();  // with a size of 0 nobody has come to the queue yet
    std::vector<thread_job*> dropped;
    if (cancel_pending || threads_ == 0) dropped = take_queue();
    l.unlock();
    notify(next);
    for (thread_job* const j : dropped) {
        j->discard(*this);
        j->release();
    }
    l.lock();
}

void thread_pool::shutdown(const shutdown_options& o) {
    if (!owner_.is_this()) return;
    lock l(mutex_);
    close(l, o.cancel_pending || o.stop_running);
    if (o.stop_running) {
        auto const running = retain_running();
        l.unlock();
        for (thread_job* const j : running) {
            j->ask_to_stop();
            j->release();
        }
        l.lock();
    }
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

/// The jobs that run. The caller releases them.
std::vector<thread_job*> thread_pool::retain_running() {
    std::vector<thread_job*> running;
    for (const worker& w : workers_) {
        if (!w.job) continue;
        running.push_back(w.job);
        w.job->retain();
    }
    return running;
}

/// The time is over: names what runs, asks it to stop and lets it go.
void thread_pool::give_up(lock& l) {
    given_up_ = true;
    close(l, true);
    for (worker& w : workers_) {
        if (w.thread.joinable()) w.thread.detach();
    }
    all_gone_.notify_all();  // nobody waits for them any more
    while (end_wait* const w = ends_.pop_front()) w->end();
    auto const left = retain_running();
    l.unlock();
    if (left.empty()) return;
    std::string text = "green: thread_executor: left behind, still running:";
    for (thread_job* const j : left) {
        j->ask_to_stop();
        text += j->label().empty() ? " a job" : " '" + std::string(j->label()) + "'";
        j->release();
    }
    std::fprintf(stderr, "%s\n", text.c_str());
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
    std::vector<std::thread> ended;
    {
        std::lock_guard const l(mutex_);
        ended.swap(ended_);
    }
    for (std::thread& t : ended) {
        // The last worker destroys the pool itself when a job destroyed the executor.
        if (t.get_id() == std::this_thread::get_id()) {
            t.detach();
        } else {
            t.join();
        }
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
