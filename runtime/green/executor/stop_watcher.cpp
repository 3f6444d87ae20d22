#include <green/executor/stop_watcher.hpp>

#include <green/executor/worker_protocol.hpp>

#include <array>
#include <cerrno>
#include <system_error>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

namespace green::detail {

stop_watcher::stop_watcher(int job_socket)
    : socket_(job_socket), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
    thread_ = std::thread([this] { watch(); });
    thread_.detach();
}

void stop_watcher::begin(std::uint64_t job, std::stop_source& source) {
    {
        std::lock_guard const lock(mutex_);
        source_ = &source;
        job_ = job;
        busy_ = true;
    }
    changed_.notify_all();
}

void stop_watcher::end() {
    std::unique_lock lock(mutex_);
    source_ = nullptr;
    ::eventfd_write(wake_.get(), 1);
    changed_.wait(lock, [&] { return !busy_; });
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
            if (wanted[1].revents != 0 && source_) listening = read_cancel(job, *source);
        }
        eventfd_t count;
        ::eventfd_read(wake_.get(), &count);
        busy_ = false;
        changed_.notify_all();
    }
}

bool stop_watcher::read_cancel(std::uint64_t job, std::stop_source& source) const {
    frame_header header;
    ssize_t const there = ::recv(socket_, &header, sizeof header, MSG_PEEK | MSG_DONTWAIT);
    if (there < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
    if (there == sizeof header && header.kind != frame_kind::cancel) return false;  // a later job
    if (there > 0 && there < static_cast<ssize_t>(sizeof header)) return true;
    if (there > 0) ::recv(socket_, &header, sizeof header, MSG_DONTWAIT);
    if (there == 0 || header.id == job) source.request_stop();
    return there > 0;
}

}  // namespace green::detail
