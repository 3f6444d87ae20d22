#include <green/executor/thread_executor.hpp>

#include <green/executor/processors.hpp>
#include <green/executor/thread_pool.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace green {
namespace {

/// For ever, and can be added to the time.
constexpr auto longest_spin = std::chrono::hours(24);

detail::thread_pool::options pool_options(const thread_executor_options& o) {
    std::size_t const processors = detail::usable_processors();
    detail::thread_pool::options p;
    // CPython's default, since jobs often wait for something.
    p.max_workers = o.max_workers ? o.max_workers : std::min<std::size_t>(32, processors + 4);
    p.max_queue = o.max_queue;
    p.name_prefix = o.thread_name_prefix;
    p.keep_alive = o.keep_alive;
    if (processors > 1) p.spin = std::min<std::chrono::nanoseconds>(o.spin, longest_spin);
    p.processors = processors;
    return p;
}

thread_executor_options checked(std::size_t max_workers) {
    if (max_workers == 0) {
        throw std::invalid_argument("thread_executor: max_workers must be greater than 0");
    }
    thread_executor_options o;
    o.max_workers = max_workers;
    return o;
}

}  // namespace

thread_executor::thread_executor(std::size_t max_workers) : thread_executor(checked(max_workers)) {}

thread_executor::thread_executor(thread_executor_options options)
    : thread_executor(options, nullptr) {}

thread_executor::thread_executor(
    thread_executor_options options, std::unique_ptr<detail::worker_initializer> initializer
)
    : pool_(std::make_shared<detail::thread_pool>(pool_options(options), std::move(initializer))),
      grace_(options.shutdown_grace) {}

thread_executor::~thread_executor() {
    if (pool_->is_of_this_process()) {
        pool_->shutdown({true, false, grace_});
    } else {
        detail::keep_for_ever(pool_);
    }
}

void thread_executor::shutdown(shutdown_options options) {
    auto const pool = pool_;  // a callback of a job that is cancelled may destroy the executor
    pool->shutdown(options);
}

task<> thread_executor::close() {
    auto const pool = pool_;
    shutdown_options options;
    options.wait = false;
    pool->shutdown(options);
    if (!pool->is_of_this_process()) co_return;
    co_await detail::end_wait(pool);
    pool->join_threads();
}

void thread_executor::resize(std::size_t max_workers) { pool_->resize(max_workers); }

std::size_t thread_executor::max_workers() const { return pool_->max_workers(); }

executor_stats thread_executor::stats() const { return pool_->stats(); }

// The queue's reference is counted before a worker can drop it.

void thread_executor::push(detail::thread_pool& pool, detail::thread_job& j) {
    j.retain();
    try {
        pool.push(j);
    } catch (...) {
        j.release();
        throw;
    }
}

bool thread_executor::try_push(detail::thread_job& j) {
    j.retain();
    bool queued = false;
    try {
        queued = pool_->try_push(j);
    } catch (...) {
        j.release();
        throw;
    }
    if (!queued) j.release();
    return queued;
}

void thread_executor::throw_full() {
    throw executor_error("thread_executor: the queue is full; co_await submit_wait, or try_submit");
}

}  // namespace green
