#pragma once

#include <green/core/config.hpp>

namespace green {

/// How a `tcp_listener` is opened.
struct listen_options {
    /// How many connections may wait to be accepted; the system may allow fewer (net.core.somaxconn).
    int backlog = 4096;
    /// Several listeners, also of other processes, may have this port, and the kernel spreads the
    /// connections over them (SO_REUSEPORT).
    bool reuse_port = false;
    /// A listener on an IPv6 address takes no IPv4 (IPV6_V6ONLY). Without, one on `::` takes both.
    bool ipv6_only = false;
    bool nodelay = true;  ///< of the connections, see tcp_stream::set_nodelay
    int receive_buffer =
        0;  ///< bytes, of the connections, SO_RCVBUF; 0 leaves the system's default
    int send_buffer = 0;  ///< bytes, SO_SNDBUF; likewise
};

}  // namespace green
