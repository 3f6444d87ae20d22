#include <green/executor/thread_pool.hpp>

#include <green/core/trace_sink.hpp>
#include <green/executor/executor_error.hpp>

#include <algorithm>
#include <system_error>

#include <pthread.h>

namespace green::detail {

bool take_back(thread_pool& pool, thread_job& job) noexcept { return pool.take_back(job); }

std::shared_ptr<thread_pool> keep_alive(thread_pool& pool) { return pool.shared_from_this(); }

thread_pool::thread_pool(std::size_t max_workers, std::string prefix)
    : max_workers_(max_workers), prefix_(std::move(prefix)) {}

void thread_pool::start_thread() {
    std::string name = prefix_ + "-" + std::to_string(threads_.size() + 1);
    name.resize(std::min<std::size_t>(name.size(), 15));
    threads_.emplace_back([self = shared_from_this()] { self->serve(); });
    pthread_setname_np(threads_.back().native_handle(), name.c_str());
}

void thread_pool::run_job(thread_job& j) {
    trace_sink* const trace = trace_sink::active();
    if (trace) trace->begin_on_thread("job", "job");
    const void* const id = &j;
    j.execute(*this);
    if (trace) {
        trace->end_on_thread();
        trace->end_async("job", id);
    }
}

void thread_pool::serve() {
    std::unique_lock lock(mutex_);
    for (;;) {
        while (queue_.empty()) {
            if (closed_) return;
            ++waiting_;
            work_.wait(lock);
            --waiting_;
        }
        thread_job& j = *queue_.pop_front();
        --queued_;
        lock.unlock();
        run_job(j);
        lock.lock();
    }
}

void thread_pool::push(thread_job& j) {
    std::unique_lock lock(mutex_);
    if (closed_) throw executor_error("cannot schedule new futures after shutdown");
    if (auto* const trace = trace_sink::active()) trace->begin_async("job", &j, "job");
    queue_.push_back(j);
    ++queued_;
    if (queued_ > waiting_ && threads_.size() < max_workers_) {
        try {
            start_thread();
        } catch (const std::system_error& e) {
            if (threads_.empty()) {  // nobody else would ever come to it
                queue_.remove(j);
                --queued_;
                throw executor_error(
                    std::string("thread_executor: cannot start a thread: ") + e.what()
                );
            }
        }
    }
    lock.unlock();
    work_.notify_one();
}

bool thread_pool::take_back(thread_job& j) noexcept {
    std::lock_guard const lock(mutex_);
    if (!j.linked()) return false;
    queue_.remove(j);
    --queued_;
    return true;
}

void thread_pool::shutdown(bool wait, bool cancel_pending) {
    std::vector<std::thread> threads;
    std::vector<thread_job*> dropped;
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
        while (cancel_pending && !queue_.empty()) {
            dropped.push_back(queue_.pop_front());
            --queued_;
        }
        if (wait) threads.swap(threads_);
    }
    work_.notify_all();
    for (thread_job* j : dropped) j->discard(*this);
    for (auto& t : threads) t.join();
}

}  // namespace green::detail
