#pragma once

// Internal: the thread that hears the other processes of all process_queues.

#include <green/executor/descriptor.hpp>
#include <green/executor/owning_process.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

namespace green::detail {

/// Who wants to know that its socket has something to say.
class socket_watcher {
public:
    /// On the service's thread, with the events of epoll.
    virtual void on_ready(std::uint32_t events) noexcept = 0;

protected:
    ~socket_watcher() = default;
};

/// One thread for all queues of this process, while somebody has a reference to it.
///
/// Its mutex is held while a watcher runs, and watchers lock their queue: so never `watch` or `forget`
/// with a queue's lock held, but on the service's own thread.
class queue_service {
public:
    /// executor_error if it cannot be started.
    static std::shared_ptr<queue_service> instance();

    queue_service();
    ~queue_service();
    queue_service(const queue_service&) = delete;
    queue_service& operator=(const queue_service&) = delete;

    /// From now on `on_ready` of `w` is called. A number that is not 0. std::system_error.
    std::uint64_t watch(int socket, socket_watcher& w);
    /// Which events of epoll are waited for; EPOLLIN at first. With any lock.
    void want(std::uint64_t id, int socket, std::uint32_t events) noexcept;
    /// On its thread: that socket is not heard for a moment.
    void pause(std::uint64_t id, int socket) noexcept;
    /// When this returns the watcher does not run and will not.
    void forget(std::uint64_t id, int socket) noexcept;

    /// Not a copy of it that a fork has left in another process: that shares the epoll, and has no thread.
    bool is_of_this_process() const noexcept { return owner_.is_this(); }

private:
    std::unique_lock<std::mutex> lock();
    void serve();
    void resume();
    void dispatch(std::uint64_t id, std::uint32_t events);

    owning_process owner_;
    descriptor poll_;  // an epoll
    descriptor end_;  // an eventfd
    std::mutex mutex_;
    struct watched {
        socket_watcher* watcher;
        int paused_socket = -1;
    };
    std::map<std::uint64_t, watched> watchers_;
    bool some_paused_ = false;
    std::uint64_t last_id_ = 0;
    std::thread thread_;
};

}  // namespace green::detail
