#include <green/executor/thread_executor.hpp>

#include <green/core/trace_sink.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>

namespace green {
namespace {

/// Processors that this process may run on, which in a container or under taskset are fewer than the
/// machine has.
std::size_t usable_processors() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
    }
    return std::max(1U, std::thread::hardware_concurrency());
}

/// CPython's default, since jobs often wait for something.
std::size_t default_workers() noexcept {
    return std::min<std::size_t>(32, usable_processors() + 4);
}

}  // namespace

struct thread_executor::pool {
    std::mutex mutex;
    std::condition_variable work;  // a job is queued, or the end has come
    std::deque<std::shared_ptr<detail::job>> queue;
    std::vector<std::thread> threads;
    std::size_t waiting = 0;  // threads that wait for work, each of which will take one queued job
    std::size_t max_workers;
    std::string prefix;
    bool closed = false;

    void start_thread(const std::shared_ptr<pool>& self) {
        std::string name = prefix + "-" + std::to_string(threads.size() + 1);
        name.resize(std::min<std::size_t>(name.size(), 15));
        threads.emplace_back([self] { self->serve(); });
        pthread_setname_np(threads.back().native_handle(), name.c_str());
    }

    static void run_job(detail::job& j) {
        detail::trace_sink* const trace = detail::trace_sink::active();
        if (trace) trace->begin_on_thread("job", "job");
        j.run();
        if (trace) {
            trace->end_on_thread();
            trace->end_async("job", &j);
        }
    }

    void serve() {
        std::unique_lock lock(mutex);
        for (;;) {
            while (queue.empty()) {
                if (closed) return;
                ++waiting;
                work.wait(lock);
                --waiting;
            }
            std::shared_ptr<detail::job> j = std::move(queue.front());
            queue.pop_front();
            lock.unlock();
            run_job(*j);
            j.reset();  // an idle thread keeps nothing alive
            lock.lock();
        }
    }
};

thread_executor::thread_executor(std::size_t max_workers)
    : thread_executor(thread_executor_options{max_workers}) {
    if (max_workers == 0) {
        throw std::invalid_argument("thread_executor: max_workers must be greater than 0");
    }
}

thread_executor::thread_executor(thread_executor_options options)
    : pool_(std::make_shared<pool>()) {
    pool_->max_workers = options.max_workers ? options.max_workers : default_workers();
    pool_->prefix = options.thread_name_prefix;
}

thread_executor::~thread_executor() { shutdown(); }

std::size_t thread_executor::max_workers() const noexcept { return pool_->max_workers; }

void thread_executor::push(std::shared_ptr<detail::job> j) {
    std::unique_lock lock(pool_->mutex);
    if (pool_->closed) throw executor_error("cannot schedule new futures after shutdown");
    if (auto* const trace = detail::trace_sink::active()) trace->begin_async("job", j.get(), "job");
    pool_->queue.push_back(std::move(j));
    if (pool_->queue.size() > pool_->waiting && pool_->threads.size() < pool_->max_workers) {
        try {
            pool_->start_thread(pool_);
        } catch (const std::system_error& e) {
            if (pool_->threads.empty()) {  // nobody else would ever come to it
                pool_->queue.pop_back();
                throw executor_error(
                    std::string("thread_executor: cannot start a thread: ") + e.what()
                );
            }
        }
    }
    lock.unlock();
    pool_->work.notify_one();
}

void thread_executor::shutdown(shutdown_options options) {
    std::deque<std::shared_ptr<detail::job>> dropped;
    std::vector<std::thread> threads;
    {
        std::lock_guard const lock(pool_->mutex);
        pool_->closed = true;
        if (options.cancel_pending) dropped.swap(pool_->queue);
        if (options.wait) threads.swap(pool_->threads);
    }
    pool_->work.notify_all();
    for (auto& j : dropped) j->drop();
    for (auto& t : threads) t.join();
}

}  // namespace green
