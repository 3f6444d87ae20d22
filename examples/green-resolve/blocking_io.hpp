#pragma once

#include <green/core/task.hpp>
#include <green/executor/thread_executor.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace tool {

/// A file descriptor that is closed at the end, unless it is one of the three standard ones.
class descriptor {
public:
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
    descriptor& operator=(descriptor&& o) noexcept {
        std::swap(fd_, o.fd_);
        return *this;
    }
    ~descriptor();

    int get() const noexcept { return fd_; }

private:
    int fd_;
};

/// Reads and writes on threads, because a pipe, a terminal or a disk may take its time, and the loop
/// must not wait for it.
///
/// **cancel** of either: ends it at once, even if the other side of a pipe does nothing; all that
/// comes later is cancelled too. Some bytes may have been written, and are gone from the text.
class blocking_io {
public:
    blocking_io();

    /// Some bytes; none at the end. Throws std::system_error.
    green::task<std::string> read_some(int fd);
    /// All of `text`, from whose front it takes what is written. It outlives the wait, even a cancelled
    /// one. Throws std::system_error: EPIPE when nobody reads.
    green::task<> write_all(int fd, std::string_view& text);

private:
    // Has something to read from the first cancel on: what wakes the threads out of poll(2).
    descriptor stop_reader_{-1};
    descriptor stop_writer_{-1};
    green::thread_executor threads_{2};
};

}  // namespace tool
