#pragma once

#include <green/core/time.hpp>

#include <chrono>

namespace green {

class address;
class resolver;

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

    // --- of connect(host, port)

    /// For all of it, looking up the name included; over: timeout_error.
    std::chrono::nanoseconds timeout = forever;
    /// 4: IPv4 only, 6: IPv6 only, 0: both. Another number is a std::invalid_argument.
    int family = 0;
    /// How long an address may be silent before the next one is tried beside it.
    std::chrono::nanoseconds attempt_delay = std::chrono::milliseconds(250);
    /// How long IPv4 addresses that are known wait for IPv6 ones that are not yet.
    std::chrono::nanoseconds resolution_delay = std::chrono::milliseconds(50);
    /// Looks names up; null: `default_resolver()`.
    resolver* names = nullptr;
};

}  // namespace green
