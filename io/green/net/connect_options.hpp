#pragma once

#include <green/core/config.hpp>

#include <chrono>

namespace green {

class address;

/// Probes on a connection on which nothing comes, so that a peer that has vanished without a word is
/// noticed: the waiting reader gets a disconnected_error (timed_out).
struct keep_alive {
    std::chrono::seconds idle{60};  ///< silence before the first probe
    std::chrono::seconds interval{15};  ///< between two probes
    int count = 4;  ///< probes without an answer after which the peer is gone
};

/// How `tcp_stream::connect` opens a connection.
struct connect_options {
    bool nodelay = true;  ///< small writes go at once (TCP_NODELAY), as in Go and asyncio
    int receive_buffer = 0;  ///< bytes, SO_RCVBUF; 0 leaves the system's default
    int send_buffer = 0;  ///< bytes, SO_SNDBUF; likewise
    /// Connect from this address of the machine; null: any. It has to stay until `connect` returns.
    const address* local = nullptr;
};

}  // namespace green
