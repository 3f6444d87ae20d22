#include <green/core/processor.hpp>
#include <green/core/trace_sink.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/thread_pool.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <pthread.h>

// The course of a worker.

namespace green::detail {
namespace {

/// Of the thread that runs: which pool it works for.
thread_local const thread_pool* own_pool = nullptr;
thread_local void* own_worker = nullptr;

}  // namespace

bool thread_pool::is_worker() const noexcept { return own_pool == this; }

bool thread_pool::is_at(const thread_job& job) const noexcept {
    std::lock_guard const l(mutex_);
    return static_cast<const worker*>(own_worker)->job == &job;
}

/// At the end somebody has to work off the queue, whatever the size is.
std::size_t thread_pool::limit() const noexcept {
    return closed_ ? std::max<std::size_t>(1, max_workers_) : max_workers_;
}

/// Somebody looks at the queue before all of them sleep, and there is nobody who could come sooner.
bool thread_pool::is_attended() const noexcept {
    if (waking_ || spinning_) return true;
    if (!idle_.empty()) return false;
    return threads_ > 0 && (threads_ >= limit() || (starting_ > 0 && !initializer_));
}

/// Who says that it is not has to look at the inbox after that.
void thread_pool::set_attended(bool is) noexcept {
    if (attended_.load(std::memory_order_relaxed) != is) attended_.store(is);
}

/// If nobody is on the way to the queue, somebody is sent: an idle worker, whom the caller notifies,
/// or a new one. A slow initializer of one does not keep the others.
thread_pool::worker* thread_pool::choose_worker() {
    set_attended(is_attended());
    if (waking_ || spinning_) return nullptr;
    if (!attended_.load(std::memory_order_relaxed)) collect();
    if (queue_.empty()) return nullptr;
    worker* const w = send_worker();
    set_attended(is_attended());
    return w;
}

thread_pool::worker* thread_pool::send_worker() {
    if (worker* const w = idle_.back()) {
        idle_.remove(*w);
        w->woken = true;
        waking_ = true;
        return w;
    }
    bool const enough = initializer_ ? starting_ >= queue_.size() : starting_ > 0;
    if (!enough && threads_ < limit()) {
        try {
            start_worker();
        } catch (const std::exception&) {  // those that there are have to do
        }
    }
    return nullptr;
}

/// The first of those that wait. The inbox has to be looked at when no ordinary one is there.
thread_job* thread_pool::next_job() noexcept {
    if (!queue_.has_ordinary()) collect();
    return queue_.pop();
}

void thread_pool::start_worker() {
    if (left_.empty()) left_.emplace_back();
    worker_place const place = left_.begin();
    // It begins with the mutex, so it finds the thread in its place.
    place->thread = std::thread([self = shared_from_this(), place] { self->serve(place); });
    workers_.splice(workers_.end(), left_, place);
    ++threads_;
    place->number = ++started_;
    ++starting_;
}

/// Without a worker nobody would ever come to the job.
void thread_pool::start_first_worker(thread_job& j) {
    if (limit() == 0) return;  // until it is resized
    try {
        start_worker();
        set_attended(is_attended());
    } catch (const std::exception& e) {
        queue_.remove(j);
        --submitted_;
        throw executor_error(std::string("thread_executor: cannot start a thread: ") + e.what());
    }
}

void thread_pool::serve(worker_place me) {
    lock l(mutex_);
    enter(*me);
    bool const ready = initialize(l);
    --starting_;
    if (ready) work(*me, l);
    leave(me, l);
}

void thread_pool::enter(worker& me) noexcept {
    own_pool = this;
    own_worker = &me;
    std::array<char, 16> name;  // as much as the system keeps
    auto const number = static_cast<unsigned long long>(me.number);
    std::snprintf(name.data(), name.size(), "%s-%llu", options_.name_prefix.c_str(), number);
    pthread_setname_np(pthread_self(), name.data());
}

/// False if it failed: the pool is broken then.
bool thread_pool::initialize(lock& l) {
    if (!initializer_) return true;
    l.unlock();
    std::optional<std::string> failure;
    try {
        initializer_->run();
    } catch (...) {
        failure = describe(std::current_exception());
    }
    l.lock();
    if (failure) break_pool(*failure, l);
    return !failure;
}

void thread_pool::break_pool(const std::string& why, lock& l) noexcept {
    if (!broken_.empty()) return;
    try {
        broken_ = "thread_executor: the initializer of a worker failed: " + why +
            "; the executor is of no use any more";
    } catch (const std::bad_alloc&) {
        broken_ = "out of memory";  // short enough to need none
    }
    std::fprintf(stderr, "green: %s\n", broken_.c_str());
    accept_no_more();
    thread_job* rejected = take_queue();
    refuse_waiting(make_error<broken_executor>(broken_));
    wake_all();
    l.unlock();
    while (thread_job* const j = rejected) {
        rejected = j->next;
        j->reject(*this, make_error<broken_executor>(broken_));
        j->release();
    }
    l.lock();
}

/// Not if all others wait for jobs: nobody else would run those.
bool thread_pool::is_superfluous(const worker& me) const {
    if (threads_ <= limit()) return false;
    return threads_ == 1 || std::any_of(workers_.begin(), workers_.end(), [&me](const worker& w) {
               return &w != &me && !is_stuck(w);
           });
}

void thread_pool::work(worker& me, lock& l) {
    thread_job* done = nullptr;  // still to be released, without the lock
    for (;;) {
        bool const too_many = is_superfluous(me);
        thread_job* const j = too_many ? nullptr : next_job();
        if (!j && done) {
            l.unlock();
            std::exchange(done, nullptr)->release();
            l.lock();
            continue;
        }
        if (!j) {
            if (too_many || closed_ || !wait_for_work(me, l)) return;
            continue;
        }
        me.job = j;
        ++running_;
        admit_waiting();
        worker* const next = choose_worker();
        l.unlock();
        notify(next);
        if (done) done->release();
        bool const ran = run_job(*j);
        done = j;
        l = acquire();
        me.job = nullptr;
        --running_;
        ++(ran ? finished_ : cancelled_);
    }
}

bool thread_pool::run_job(thread_job& j) {
    trace_sink* const trace = trace_sink::active();
    if (trace) trace->begin_on_thread("job", j.label().empty() ? "job" : j.label());
    bool const ran = j.execute(*this);
    if (trace) {
        trace->end_on_thread();
        trace->end_async("job", &j);
    }
    return ran;
}

/// False if nothing came for keep_alive.
bool thread_pool::wait_for_work(worker& me, lock& l) {
    if (options_.spin.count() > 0 && !spinning_ && threads_ <= options_.processors) {
        spin(l);
        if (!queue_.empty() || closed_ || is_superfluous(me)) return true;
    }
    me.woken = false;
    idle_.push_back(me);
    set_attended(is_attended());
    if (inbox_.pending()) {
        idle_.remove(me);
        return true;
    }
    auto const woken = [&me] { return me.woken; };
    auto const start = std::chrono::steady_clock::now();
    if (options_.keep_alive > std::chrono::steady_clock::time_point::max() - start) {
        me.woken_up.wait(l, woken);
    } else if (!me.woken_up.wait_until(l, start + options_.keep_alive, woken)) {
        idle_.remove(me);
        return false;
    }
    waking_ = false;
    return true;
}

/// Looks for work without sleeping, for a short while: a thread that sleeps takes long to wake.
void thread_pool::spin(lock& l) {
    constexpr int looks = 32;  // between two looks at the clock
    spinning_ = true;
    set_attended(true);
    std::uint32_t const seen = pushes_.load(std::memory_order_relaxed);
    l.unlock();
    auto const end = std::chrono::steady_clock::now() + options_.spin;
    for (bool pushed = false; !pushed && std::chrono::steady_clock::now() < end;) {
        for (int i = 0; i < looks && !pushed; ++i) {
            cpu_relax();
            pushed = inbox_.pending() || pushes_.load(std::memory_order_relaxed) != seen;
        }
    }
    l.lock();
    spinning_ = false;
    collect();
}

void thread_pool::leave(worker_place me, lock& l) {
    --threads_;
    std::thread ended;
    if (me->thread.joinable()) {  // not one left behind
        ended = std::exchange(ended_, std::move(me->thread));
    }
    left_.splice(left_.end(), workers_, me);
    if (threads_ == 0) {
        all_gone_.notify_all();
        while (end_wait* const w = ends_.pop_front()) w->end();
    }
    worker* const next = choose_worker();  // this one may have been on its way to the queue
    l.unlock();
    notify(next);
    if (ended.joinable()) ended.join();
}

// --- jobs that wait for jobs

/// It waits for a job of this pool. One whose job is done already is only about to wake.
bool thread_pool::is_stuck(const worker& w) {
    return w.blocked_on && !w.blocked_on->over(w.blocked_on->what);
}

/// Refused if every worker is stuck then: nobody is left to end a job.
void thread_pool::begin_block(const thread_job& job, const blocked_wait& w) {
    auto& me = *static_cast<worker*>(own_worker);
    std::lock_guard const l(mutex_);
    if (me.job == &job) {
        throw std::logic_error("green: deadlock: a job of a thread_executor waits for itself");
    }
    me.blocked_on = w;
    if (!is_stuck(me)) return;  // what it waits for has come meanwhile
    bool const help_may_come = threads_ < limit();
    if (help_may_come || !std::all_of(workers_.begin(), workers_.end(), is_stuck)) return;
    me.blocked_on.reset();
    throw std::logic_error(
        "green: deadlock: every thread of this thread_executor waits for a job of "
        "it, and none is left to run one"
    );
}

void thread_pool::end_block() noexcept {
    std::lock_guard const l(mutex_);
    static_cast<worker*>(own_worker)->blocked_on.reset();
}

void begin_block(const thread_pool& pool, const thread_job& job, const blocked_wait& w) {
    // The pool may be gone, unless this thread is one of its own.
    if (own_pool == &pool) const_cast<thread_pool&>(pool).begin_block(job, w);
}

bool is_worker_of(const thread_pool& pool) noexcept { return own_pool == &pool; }

bool is_running_here(const thread_pool& pool, const thread_job& job) noexcept {
    return own_pool == &pool && pool.is_at(job);
}

void end_block(const thread_pool& pool) noexcept {
    if (own_pool == &pool) const_cast<thread_pool&>(pool).end_block();
}

}  // namespace green::detail
