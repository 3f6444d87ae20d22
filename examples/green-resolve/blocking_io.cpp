#include "blocking_io.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <stop_token>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace tool {
namespace {

[[noreturn]] void throw_errno(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

/// Waits until `fd` is ready for `events`, or until the stop pipe is readable: false.
bool wait_ready(int fd, short events, int stop) {
    pollfd both[] = {{fd, events, 0}, {stop, POLLIN, 0}};
    while (::poll(both, 2, -1) < 0) {
        if (errno != EINTR) throw_errno("poll");
    }
    return both[1].revents == 0;
}

/// What tells the threads that they are to stop: makes the stop pipe readable.
class stop_signal {
public:
    explicit stop_signal(int fd) noexcept : fd_(fd) {}
    void operator()() const noexcept {
        [[maybe_unused]] auto const n = ::write(fd_, "", 1);  // a full pipe is readable as well
    }

private:
    int fd_;
};

struct stop_pipe {
    int reader;
    int writer;
};

std::string read_on_thread(const std::stop_token& token, int fd, stop_pipe stop) {
    std::stop_callback const on_stop(token, stop_signal(stop.writer));
    std::string bytes(std::size_t{64} * 1024, '\0');
    for (;;) {
        if (!wait_ready(fd, POLLIN, stop.reader)) return {};
        ssize_t const n = ::read(fd, bytes.data(), bytes.size());
        if (n >= 0) {
            bytes.resize(static_cast<std::size_t>(n));
            return bytes;
        }
        if (errno != EINTR && errno != EAGAIN) throw_errno("read");
    }
}

void write_on_thread(const std::stop_token& token, int fd, std::string_view* text, stop_pipe stop) {
    std::stop_callback const on_stop(token, stop_signal(stop.writer));
    while (!text->empty() && wait_ready(fd, POLLOUT, stop.reader)) {
        // A pipe that is ready takes this much without blocking (POSIX, write, PIPE_BUF).
        ssize_t const n = ::write(fd, text->data(), std::min<std::size_t>(text->size(), PIPE_BUF));
        if (n >= 0) {
            text->remove_prefix(static_cast<std::size_t>(n));
        } else if (errno != EINTR && errno != EAGAIN) {
            throw_errno("write");
        }
    }
}

}  // namespace

descriptor::~descriptor() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
}

blocking_io::blocking_io() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw_errno("pipe");
    stop_reader_ = descriptor(ends[0]);
    stop_writer_ = descriptor(ends[1]);
}

green::task<std::string> blocking_io::read_some(int fd) {
    stop_pipe const stop{stop_reader_.get(), stop_writer_.get()};
    co_return co_await threads_.run(read_on_thread, fd, stop);
}

green::task<> blocking_io::write_all(int fd, std::string_view& text) {
    stop_pipe const stop{stop_reader_.get(), stop_writer_.get()};
    co_await threads_.run(write_on_thread, fd, &text, stop);
}

}  // namespace tool
