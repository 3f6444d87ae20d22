#include <green/executor/deadline_watch.hpp>

#include <pthread.h>

namespace green::detail {

deadline_watch::deadline_watch() : thread_([this] { watch(); }) {
    pthread_setname_np(thread_.native_handle(), "green-deadlines");
}

deadline_watch::~deadline_watch() {
    if (thread_.get_id() ==
        std::this_thread::get_id()) {  // a job that was told has dropped the executor
        *destroyed_ = true;
        thread_.detach();
        return;
    }
    {
        std::lock_guard const lock(mutex_);
        closed_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void deadline_watch::add(thread_job& j, time_point end) {
    {
        std::lock_guard const lock(mutex_);
        auto const place = jobs_.emplace(end, &j);
        if (place != jobs_.begin()) return;
    }
    changed_.notify_one();
}

void deadline_watch::remove(thread_job& j, time_point end) noexcept {
    std::lock_guard const lock(mutex_);
    for (auto [at, last] = jobs_.equal_range(end); at != last; ++at) {
        if (at->second == &j) {
            jobs_.erase(at);
            return;
        }
    }
}

void deadline_watch::watch() {
    std::unique_lock lock(mutex_);
    while (!closed_) {
        if (jobs_.empty()) {
            changed_.wait(lock);
            continue;
        }
        auto const first = jobs_.begin();
        if (std::chrono::steady_clock::now() < first->first) {
            changed_.wait_until(lock, time_point(first->first));
            continue;
        }
        // In the list it has not been released. What it is told may run code of the user's.
        thread_job& late = *first->second;
        late.retain();
        jobs_.erase(first);
        lock.unlock();
        bool destroyed = false;
        destroyed_ = &destroyed;
        late.ask_to_stop();
        late.release();
        if (destroyed) return;
        lock.lock();
    }
}

}  // namespace green::detail
