#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include <sys/socket.h>

namespace green::detail {

struct wire_socket;

/// Datagrams on their way out, of several sockets: as many as there are go with one system call.
/// Without it the kernel's part of a query is half as much again.
class datagram_outbox {
public:
    static constexpr std::size_t capacity = 64;
    static constexpr std::size_t largest = 512;  // a query has 300 bytes at most, cookies included

    datagram_outbox() { letters_.reserve(capacity); }

    bool empty() const noexcept { return letters_.empty(); }

    /// False when it is full even after a flush, or the datagram is too large.
    bool add(wire_socket& from, std::span<const iovec> parts) noexcept;

    /// Sends. What a full socket does not take stays, and the socket is `blocked`. One that fails gets
    /// `error`, and what was to leave from it is dropped. True when one has failed.
    bool flush() noexcept;

    /// The socket closes.
    void forget(const wire_socket& socket) noexcept;

private:
    struct letter {
        wire_socket* from;
        std::size_t size;
        std::array<std::byte, largest> bytes;
    };

    std::size_t send_run(std::size_t first, std::size_t count) noexcept;

    std::vector<letter> letters_;
};

/// Datagrams that have arrived at one socket.
class datagram_inbox {
public:
    static constexpr std::size_t capacity = 32;
    static constexpr std::size_t largest = 4096;  // though 1232 is what servers are told

    datagram_inbox();

    /// How many have been taken from a socket, which may be closed, and not been read.
    std::size_t left(const wire_socket* of) const noexcept {
        return owner_ == of ? count_ - next_ : 0;
    }
    /// Takes what has arrived; what is left of another socket is forgotten. Returns what recvmmsg does.
    int fill(const wire_socket& of) noexcept;
    /// The next one, of those that are left; empty for one that was larger than `largest`.
    std::span<const std::byte> take() noexcept;
    void forget(const wire_socket& socket) noexcept;

private:
    std::vector<std::byte> bytes_;
    std::array<iovec, capacity> parts_;
    std::array<mmsghdr, capacity> messages_{};
    const wire_socket* owner_ = nullptr;
    std::size_t next_ = 0;
    std::size_t count_ = 0;
};

}  // namespace green::detail
