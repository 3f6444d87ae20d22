#include <green/executor/stop_watcher.hpp>

#include <green/executor/worker_protocol.hpp>

#include <array>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace green::detail {
namespace {

/// 0 if there is no such descriptor.
ino_t inode_of(int fd) noexcept {
    struct stat file = {};
    return ::fstat(fd, &file) == 0 ? file.st_ino : 0;
}

}  // namespace

stop_watcher::stop_watcher(int job_socket)
    : socket_(job_socket),
      socket_inode_(inode_of(job_socket)),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
    thread_ = std::thread([this] { watch(); });
    thread_.detach();
}

void stop_watcher::begin(std::uint64_t job, std::stop_source& source, frame_reader& in) {
    {
        std::lock_guard const lock(mutex_);
        in.give_rest_to(cancels_);
        source_ = &source;
        job_ = job;
        busy_ = true;
    }
    changed_.notify_all();
}

bool stop_watcher::end(frame_reader& in) {
    std::unique_lock lock(mutex_);
    source_ = nullptr;
    // It may have put something of its own in their places.
    if (inode_of(socket_) != socket_inode_ || ::eventfd_write(wake_.get(), 1) != 0) return false;
    changed_.wait(lock, [&] { return !busy_; });
    cancels_.give_rest_to(in);
    return true;
}

void stop_watcher::watch() {
    std::unique_lock lock(mutex_);
    for (;;) {
        changed_.wait(lock, [&] { return busy_; });
        bool listening = true;
        while (std::stop_source* const source = source_) {
            std::uint64_t const job = job_;
            // The socket drops out when it has nothing more to say.
            std::array<pollfd, 2> wanted{
                pollfd{wake_.get(), POLLIN, 0}, pollfd{listening ? socket_ : -1, POLLIN, 0}
            };
            lock.unlock();
            ::poll(wanted.data(), wanted.size(), -1);
            lock.lock();
            if ((wanted[0].revents | wanted[1].revents) & POLLNVAL) {
                // The job has closed them, and is the last one.
                changed_.wait(lock, [] { return false; });
            }
            if (wanted[1].revents != 0 && source_) listening = read_cancel(job, *source);
        }
        eventfd_t count;
        ::eventfd_read(wake_.get(), &count);
        busy_ = false;
        changed_.notify_all();
    }
}

bool stop_watcher::read_cancel(std::uint64_t job, std::stop_source& source) {
    io_state const state = cancels_.fill(socket_, MSG_DONTWAIT);
    while (auto const f = cancels_.next()) {
        if (f->header.kind == frame_kind::cancel && f->header.id == job) source.request_stop();
    }
    if (state == io_state::broken) source.request_stop();
    return state != io_state::broken;
}

}  // namespace green::detail
