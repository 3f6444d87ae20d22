#pragma once

// Internal: how the sockets of streams and of their listeners are made.

#include <green/net/address.hpp>
#include <green/net/detail/poll_handle.hpp>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace green::detail {

/// Of a connected socket. `peer`: null if it has no name.
poll_handle make_stream(owned_fd fd, const char* kind, const address* peer);

enum class side : std::uint8_t { local, remote };
/// The path or abstract name of an end of a unix socket; most have none.
std::optional<address> unix_name_of(int fd, side s);

/// Throws std::system_error unless the descriptor is a stream socket of one of these domains (AF_INET,
/// …), which listens or does not. It is closed on exec from now on.
void require_stream_socket(
    int fd,
    std::initializer_list<int> domains,
    bool listens,
    std::string_view operation,
    std::string_view object
);

}  // namespace green::detail
