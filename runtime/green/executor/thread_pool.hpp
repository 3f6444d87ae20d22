#pragma once

// Internal: the threads and the queue of a thread executor.

#include <green/executor/thread_job.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace green::detail {

class thread_pool : public std::enable_shared_from_this<thread_pool> {
public:
    thread_pool(std::size_t max_workers, std::string prefix);

    void push(thread_job& j);
    bool take_back(thread_job& j) noexcept;
    void shutdown(bool wait, bool cancel_pending);
    std::size_t max_workers() const noexcept { return max_workers_; }

private:
    void start_thread();
    void serve();
    void run_job(thread_job& j);

    std::mutex mutex_;
    std::condition_variable work_;
    intrusive_list<thread_job> queue_;
    std::size_t queued_ = 0;
    std::vector<std::thread> threads_;
    std::size_t waiting_ = 0;
    std::size_t max_workers_;
    std::string prefix_;
    bool closed_ = false;
};

}  // namespace green::detail
