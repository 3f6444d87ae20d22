#pragma once

// Internal: descriptors that somebody owns, and the socket pairs that processes talk over.

#include <array>
#include <cstddef>
#include <span>
#include <utility>

namespace green::detail {

/// Owns a file descriptor, close-on-exec unless said otherwise where it is made.
class descriptor {
public:
    descriptor() = default;
    explicit descriptor(int fd) noexcept : fd_(fd) {}
    descriptor(descriptor&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
    descriptor& operator=(descriptor&& o) noexcept {
        if (this != &o) {
            reset();
            fd_ = std::exchange(o.fd_, -1);
        }
        return *this;
    }
    ~descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept { return std::exchange(fd_, -1); }
    void reset() noexcept;

private:
    int fd_ = -1;
};

/// Two ends of one AF_UNIX connection; `type` is SOCK_STREAM or SOCK_SEQPACKET. std::system_error.
std::pair<descriptor, descriptor> socket_pair(int type);

/// Anonymous memory that processes can share, of `size` bytes, all zero. std::system_error.
descriptor shared_memory(const char* name, std::size_t size);

/// Another one for the same file. std::system_error.
descriptor duplicate(const descriptor& file);

/// The most descriptors that travel with one message.
inline constexpr std::size_t max_passed = 6;
/// Those of one message, in a row from the first.
using passed_descriptors = std::array<descriptor, max_passed>;

/// One message of a SOCK_SEQPACKET socket, with descriptors. False: errno says why.
bool send_message(
    int socket, std::span<const std::byte> message, std::span<const int> descriptors, int flags
) noexcept;

struct received_message {
    std::size_t size = 0;  // 0: the other end is closed
    std::size_t descriptor_count = 0;
    passed_descriptors descriptors;
};

/// False: errno says why.
bool receive_message(
    int socket, std::span<std::byte> message, received_message& out, int flags
) noexcept;

}  // namespace green::detail
