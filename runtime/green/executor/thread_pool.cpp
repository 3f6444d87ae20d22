#include <green/executor/thread_pool.hpp>

#include <green/core/processor.hpp>
#include <green/core/source_text.hpp>
#include <green/core/trace_sink.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/steady_time.hpp>
#include <green/loop/loop_core.hpp>

#include <system_error>
#include <utility>

// A pool and its jobs: into the queue, out of it, and what waits for room.

namespace green::detail {

thread_pool::thread_pool(options o, std::unique_ptr<worker_initializer> initializer)
    : options_(std::move(o)),
      initializer_(std::move(initializer)),
      max_workers_(options_.max_workers) {
    inbox_.open();
}

thread_pool::~thread_pool() { join_threads(); }

void thread_pool::check_open() const {
    if (!broken_.empty()) throw broken_executor(broken_);
    if (closed_) throw executor_error("cannot schedule new futures after shutdown");
}

/// Before the lock, which a fork may find taken for ever.
void thread_pool::check_owner() {
    if (owner_.claim()) return;
    throw executor_error("thread_executor: it belongs to the process that this one was forked from"
    );
}

/// The mutex is held for some tens of nanoseconds at a time: to wait a moment is cheaper than to sleep.
thread_pool::lock thread_pool::acquire() const noexcept {
    constexpr int tries = 100;
    lock l(mutex_, std::defer_lock);
    for (int i = 0; i < tries; ++i) {
        if (l.try_lock()) return l;
        cpu_relax();
    }
    l.lock();
    return l;
}

void thread_pool::push(thread_job& j) {
    check_owner();
    if (push_to_inbox(j)) return;
    lock l = acquire();
    check_open();
    enqueue(j, l);
}

/// False for a job that needs the mutex.
bool thread_pool::push_to_inbox(thread_job& j) noexcept {
    bool const ordinary = j.priority == 0 && j.deadline == forever && options_.max_queue == 0;
    if (!ordinary || !attended_.load() || trace_sink::active()) return false;
    if (inbox_.push(j) == inbox<thread_job>::pushed::refused) return false;
    if (attended_.load()) return true;
    // Whoever would have looked has gone to sleep meanwhile, and may have done so before the push.
    lock l = acquire();
    worker* const next = choose_worker();
    l.unlock();
    notify(next);
    return true;
}

/// What came through the inbox goes into the queue.
void thread_pool::collect(thread_job* oldest) noexcept {
    if (oldest) note_push();
    while (oldest) {
        thread_job& j = *oldest;
        oldest = j.next;
        queue_.push(j);  // ordinary: it does not throw
        ++submitted_;
    }
}

bool thread_pool::try_push(thread_job& j) {
    check_owner();
    lock l(mutex_);
    check_open();
    if (!has_room()) return false;
    enqueue(j, l);
    return true;
}

bool thread_pool::push_or_wait(thread_job& j, place_wait& w) {
    check_owner();
    lock l(mutex_);
    check_open();
    if (!has_room()) {
        waiting_.push_back(w);
        return false;
    }
    enqueue(j, l);
    return true;
}

/// Who waits for room is not overtaken.
bool thread_pool::has_room() const noexcept {
    return options_.max_queue == 0 || (queue_.size() < options_.max_queue && waiting_.empty());
}

void thread_pool::enqueue(thread_job& j, lock& l) {
    prepare_deadline(j);
    collect();  // what came before it
    queue_.push(j);
    ++submitted_;
    if (trace_sink* const trace = trace_sink::active()) {
        trace->begin_async("job", &j, j.label().empty() ? "job" : j.label());
    }
    note_push();
    if (threads_ == 0) return start_first_worker(j);
    worker* const next = choose_worker();
    l.unlock();
    notify(next);
}

void thread_pool::prepare_deadline(const thread_job& j) {
    if (j.deadline == forever || deadlines_) return;
    try {
        deadlines_ = std::make_unique<deadline_watch>();
    } catch (const std::system_error& e) {
        throw executor_error(std::string("thread_executor: cannot start a thread: ") + e.what());
    }
}

bool thread_pool::take_back(thread_job& j) noexcept {
    if (!owner_.is_this()) return false;
    std::lock_guard const l(mutex_);
    collect();
    if (!j.linked()) return false;
    queue_.remove(j);
    ++cancelled_;
    admit_waiting();
    return true;
}

/// A place in the queue has become free. If nobody is on the way to the queue, all are busy: there was
/// something in it.
void thread_pool::admit_waiting() noexcept {
    while (!waiting_.empty() && queue_.size() < options_.max_queue) {
        place_wait& w = *waiting_.pop_front();
        try {
            prepare_deadline(w.job);
            queue_.push(w.job);
            ++submitted_;
        } catch (...) {
            w.refused = std::current_exception();
        }
        w.end();
    }
}

void thread_pool::refuse_waiting(const std::exception_ptr& why) noexcept {
    while (place_wait* const w = waiting_.pop_front()) {
        w->refused = why;
        w->end();
    }
}

bool thread_pool::forget(place_wait& w) noexcept {
    std::lock_guard const l(mutex_);
    if (!w.linked()) return false;
    waiting_.remove(w);
    return true;
}

// --- for jobs

bool take_back(thread_pool& pool, thread_job& job) noexcept { return pool.take_back(job); }

std::shared_ptr<thread_pool> keep_alive(thread_pool& pool) noexcept {
    return pool.shared_from_this();
}

deadline_guard::deadline_guard(thread_pool& pool, thread_job& job) : pool_(pool), job_(job) {
    if (job.deadline == forever) return;
    end_ = time_after(job.deadline);
    pool.deadlines().add(job, end_);
}

deadline_guard::~deadline_guard() {
    if (job_.deadline != forever) pool_.deadlines().remove(job_, end_);
}

bool deadline_guard::over() const noexcept {
    return job_.deadline != forever && steady::now() >= end_;
}

std::exception_ptr deadline_guard::error() const {
    std::string const who = job_.label().empty() ? "a job"
                                                 : "job '" + std::string(job_.label()) + "'";
    return std::make_exception_ptr(timeout_error(
        "thread_executor: " + who + " took longer than its deadline of " + describe(job_.deadline)
    ));
}

// --- for green tasks

void pool_wait::begin() noexcept { loop_core::current()->hold_clock(); }

void pool_wait::left() noexcept { loop_core::current()->release_clock(); }

void pool_wait::run() noexcept {
    if (waiter().ended()) return;  // abandoned: an earlier run of this thread held its clock
    left();
    waiter().wake();
}

bool place_wait::ready() { return pool().try_push(job); }

void place_wait::start() {
    begin();
    try {
        if (!pool().push_or_wait(job, *this)) return;
    } catch (...) {
        left();
        throw;
    }
    left();
    waiter().wake();
}

bool place_wait::cancel() noexcept {
    if (!pool().forget(*this)) return false;
    left();
    return true;
}

void end_wait::start() {
    begin();
    if (pool().watch_end(*this)) return;
    left();
    waiter().wake();
}

bool end_wait::cancel() noexcept {
    if (!pool().forget(*this)) return false;
    left();
    return true;
}

}  // namespace green::detail
