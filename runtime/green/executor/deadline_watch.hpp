#pragma once

// Internal: who asks the jobs of a thread executor to stop when they are late.

#include <green/executor/thread_job.hpp>

#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

namespace green::detail {

/// A thread that sleeps until the next deadline of a job that runs.
class deadline_watch {
public:
    using time_point = std::chrono::steady_clock::time_point;

    deadline_watch();
    deadline_watch(const deadline_watch&) = delete;
    deadline_watch& operator=(const deadline_watch&) = delete;
    ~deadline_watch();

    void add(thread_job& j, time_point end);
    /// Before its release.
    void remove(thread_job& j, time_point end) noexcept;

private:
    void watch();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::multimap<time_point, thread_job*> jobs_;
    bool closed_ = false;
    bool* destroyed_ = nullptr;  // of the thread's own
    std::thread thread_;
};

}  // namespace green::detail
