#pragma once

// Internal: the state of a stream on a descriptor. No public header includes it.

#include <green/net/address.hpp>
#include <green/net/detail/poll_state.hpp>
#include <green/net/detail/read_ahead.hpp>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include <sys/uio.h>

namespace green::detail {

/// A poll_state with what the operations of a stream keep between each other.
class stream_state final : public poll_state {
public:
    enum class calls : std::uint8_t { of_sockets, of_files };

    /// After the base, which libuv knows of, nothing may throw.
    stream_state(owned_fd fd, const char* kind, calls c, address peer = {})
        : poll_state(std::move(fd), kind), calls_(c), peer_(std::move(peer)) {}

    /// Who the stream is connected to: `tcp 10.0.0.1:5432`; where it is itself if the peer has no name.
    std::string own_label() const override;
    /// 0.0.0.0:0 if it has no name, or none is known.
    const address& peer() const noexcept { return peer_; }

    struct outcome {
        bool done = false;  // false: it would block
        int error = 0;
        std::size_t size = 0;  // 0: the end, unless there is an error
    };
    /// What was read ahead, or else what the kernel has.
    outcome read(std::span<std::byte> into) noexcept {
        return ahead.empty() ? receive(into) : outcome{true, 0, ahead.take(into)};
    }
    /// What the kernel has. `into` is not empty.
    outcome receive(std::span<std::byte> into) noexcept;
    /// The same with the descriptors that have come with these bytes (unix(7), SCM_RIGHTS).
    outcome read(std::span<std::byte> into, std::vector<owned_fd>& descriptors) noexcept;
    /// The result of send(2) or its like, without SIGPIPE.
    ssize_t send(std::span<const std::byte> data) noexcept;
    ssize_t send(std::span<iovec> parts) noexcept;
    ssize_t send(std::span<iovec> parts, std::span<const int> descriptors) noexcept;
    /// Ends the outgoing half. An errno, or 0.
    int shut_down_writing() noexcept;

    read_ahead ahead;
    bool broken = false;  // see broken_stream_error

private:
    outcome received(ssize_t result, std::size_t room) noexcept;

    const calls calls_;
    address peer_;
};

}  // namespace green::detail
