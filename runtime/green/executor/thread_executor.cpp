#include <green/executor/thread_executor.hpp>

#include <green/executor/thread_pool.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <thread>

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

thread_executor::thread_executor(std::size_t max_workers)
    : thread_executor(thread_executor_options{max_workers}) {
    if (max_workers == 0) {
        throw std::invalid_argument("thread_executor: max_workers must be greater than 0");
    }
}

thread_executor::thread_executor(thread_executor_options options)
    : pool_(std::make_shared<detail::thread_pool>(
          options.max_workers ? options.max_workers : default_workers(),
          std::string(options.thread_name_prefix)
      )) {}

thread_executor::~thread_executor() { shutdown(); }

std::size_t thread_executor::max_workers() const noexcept { return pool_->max_workers(); }

void thread_executor::push(detail::thread_job& j) { pool_->push(j); }

void thread_executor::shutdown(shutdown_options options) {
    pool_->shutdown(options.wait, options.cancel_pending);
}

}  // namespace green
