#pragma once

#include <green/core/config.hpp>

#include <utility>

namespace green {

/// A descriptor that is closed when this dies. Model: OwnedFd of Rust.
class owned_fd {
public:
    owned_fd() noexcept = default;
    explicit owned_fd(int fd) noexcept : fd_(fd) {}
    owned_fd(owned_fd&& o) noexcept : fd_(o.release()) {}
    owned_fd& operator=(owned_fd&& o) noexcept {
        std::swap(fd_, o.fd_);
        if (this != &o) o.close();
        return *this;
    }
    ~owned_fd() { close(); }

    /// -1: none.
    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    /// It is the caller's from now on.
    int release() noexcept { return std::exchange(fd_, -1); }
    void close() noexcept;

private:
    int fd_ = -1;
};

}  // namespace green
