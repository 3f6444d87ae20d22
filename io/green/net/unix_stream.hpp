#pragma once

#include <green/core/task.hpp>
#include <green/net/descriptor_stream.hpp>
#include <green/net/owned_fd.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace green {

/// Who is at the other end of a unix socket, as the kernel knows it: of the process that connected, or
/// that listened, at that time.
struct peer_credentials {
    std::int32_t process = 0;
    std::uint32_t user = 0;
    std::uint32_t group = 0;
};

/// A connection between two processes of this machine, or within one. What it reads and writes, and how:
/// descriptor_stream.
///
///     unix_stream s = co_await unix_stream::connect(address::parse("/run/x.sock"));
///     auto [a, b] = unix_stream::pair();
class unix_stream : public descriptor_stream {
public:
    using receive_descriptors_awaitable = detail::receive_descriptors_operation;

    /// To a path or an abstract name. Waits while the listener's line is full. Throws std::system_error:
    /// `connect unix /run/x.sock: No such file or directory`.
    /// **cancel:** total: there is no connection.
    static task<unix_stream> connect(address remote);
    /// Two that are connected with each other.
    static std::pair<unix_stream, unix_stream> pair();
    /// Takes over the descriptor of a connection. Throws std::system_error if it is not one.
    static unix_stream from_descriptor(owned_fd fd);

    /// Empty for the end that has connected, and for both of a pair: they have no name.
    std::optional<address> local_address() const;
    std::optional<address> remote_address() const;
    peer_credentials credentials() const;

    /// Writes all of `data`, at least one byte, and with its first one descriptors, at most 253, of
    /// which the peer gets copies. Both have to stay until it returns.
    /// **cancel:** as `write_all`; the descriptors go with the first byte or not at all.
    write_awaitable send_descriptors(
        std::span<const std::byte> data, std::span<const int> descriptors
    );
    /// As `read_some`, and appends the descriptors that come with these bytes. Other reads throw such
    /// descriptors away, and so does `read_until` for what it reads ahead. Throws std::system_error
    /// (EMFILE) if this process may not have so many: none of them comes then, and the bytes are what
    /// the next read gets.
    /// **cancel:** total.
    receive_descriptors_awaitable receive_descriptors(
        std::span<std::byte> into, std::vector<owned_fd>& descriptors
    ) noexcept {
        return {handle(), into, descriptors};
    }

private:
    friend class unix_listener;
    explicit unix_stream(detail::poll_handle handle) noexcept
        : descriptor_stream(std::move(handle)) {}
};

}  // namespace green
