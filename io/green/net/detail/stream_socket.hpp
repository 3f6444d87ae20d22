#pragma once

// Internal: how the sockets of streams and of their listeners are made.

#include <green/net/address.hpp>
#include <green/net/detail/poll_handle.hpp>

#include <initializer_list>
#include <string_view>

namespace green::detail {

/// Takes a connected socket, which is closed if this throws. `peer`: null if it has no name.
poll_handle make_stream(int fd, const char* kind, const address* peer);

/// Sets an option of type int if it is wanted. Throws std::system_error.
void set_wanted_option(
    int fd, bool wanted, int level, int option, int value, std::string_view object
);

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
