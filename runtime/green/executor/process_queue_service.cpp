#include <green/executor/process_queue_service.hpp>

#include <green/executor/executor_error.hpp>
#include <green/executor/helper_thread.hpp>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

namespace green::detail {
namespace {

constexpr std::uint64_t end_id = 0;

/// Milliseconds.
constexpr int pause_time = 1;

}  // namespace

std::shared_ptr<queue_service> queue_service::instance() {
    // Never destroyed: a queue may be used while the program exits.
    static auto& mutex = *new std::mutex;
    static auto& present = *new std::weak_ptr<queue_service>;
    std::lock_guard const lock(mutex);
    std::shared_ptr<queue_service> service = present.lock();
    if (!service || !service->is_of_this_process()) {
        present = service = std::make_shared<queue_service>();
    }
    return service;
}

queue_service::queue_service()
    : poll_(::epoll_create1(EPOLL_CLOEXEC)), end_(::eventfd(0, EFD_CLOEXEC)) {
    if (!poll_ || !end_) throw executor_error("process_queue: no descriptors are left");
    owner_.take();
    epoll_event event{.events = EPOLLIN, .data = {.u64 = end_id}};
    ::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, end_.get(), &event);
    thread_ = start_helper_thread("process_queue", [this] { serve(); });
    ::pthread_setname_np(thread_.native_handle(), "green-queues");
}

queue_service::~queue_service() {
    if (is_of_this_process()) {
        ::eventfd_write(end_.get(), 1);
        thread_.join();
    } else {
        keep_for_ever(std::make_shared<std::thread>(std::move(thread_)));
    }
}

/// A watcher has the lock already.
std::unique_lock<std::mutex> queue_service::lock() {
    if (std::this_thread::get_id() == thread_.get_id()) return std::unique_lock<std::mutex>();
    return std::unique_lock(mutex_);
}

std::uint64_t queue_service::watch(int socket, socket_watcher& w) {
    auto const locked = lock();
    std::uint64_t const id = ++last_id_;
    auto const place = watchers_.emplace(id, watched{&w}).first;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = id}};
    if (::epoll_ctl(poll_.get(), EPOLL_CTL_ADD, socket, &event) != 0) {
        int const error = errno;
        watchers_.erase(place);
        throw std::system_error(error, std::generic_category(), "epoll_ctl");
    }
    return id;
}

void queue_service::want(std::uint64_t id, int socket, std::uint32_t events) noexcept {
    epoll_event event{.events = events, .data = {.u64 = id}};
    ::epoll_ctl(poll_.get(), EPOLL_CTL_MOD, socket, &event);
}

void queue_service::pause(std::uint64_t id, int socket) noexcept {
    watchers_.at(id).paused_socket = socket;
    some_paused_ = true;
    want(id, socket, 0);
}

void queue_service::resume() {
    std::lock_guard const lock(mutex_);
    for (auto& [id, w] : watchers_) {
        if (w.paused_socket >= 0) want(id, std::exchange(w.paused_socket, -1), EPOLLIN);
    }
    some_paused_ = false;
}

void queue_service::forget(std::uint64_t id, int socket) noexcept {
    if (!is_of_this_process()) return;
    auto const locked = lock();
    if (watchers_.erase(id) != 0) ::epoll_ctl(poll_.get(), EPOLL_CTL_DEL, socket, nullptr);
}

void queue_service::serve() {
    for (;;) {
        std::array<epoll_event, 32> events;
        int const timeout = some_paused_ ? pause_time : -1;
        int const count =
            ::epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), timeout);
        if (some_paused_) resume();
        for (int i = 0; i < count; ++i) {
            const epoll_event& e = events[static_cast<std::size_t>(i)];
            if (e.data.u64 == end_id) return;
            dispatch(e.data.u64, e.events);
        }
    }
}

void queue_service::dispatch(std::uint64_t id, std::uint32_t events) {
    std::lock_guard const lock(mutex_);
    auto const found = watchers_.find(id);
    if (found != watchers_.end()) found->second.watcher->on_ready(events);
}

}  // namespace green::detail
