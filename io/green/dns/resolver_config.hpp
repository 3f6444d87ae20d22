#pragma once

#include <green/net/address.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace green {

/// How a resolver works. A default-constructed one has no servers and reads no files: everything it
/// does is said here.
struct resolver_config {
    /// Asked in this order; a port of 0 means 53.
    std::vector<address> servers;
    /// For one try at one server. The next try asks the next server.
    std::chrono::nanoseconds timeout = std::chrono::seconds(1);
    /// Tries per question, over all servers. At least 1.
    int tries = 4;
    /// Start with another server each time.
    bool rotate = false;
    /// Domains that a name with fewer dots than `ndots` is completed with; see resolv.conf(5).
    std::vector<std::string> search;
    int ndots = 1;
    /// Questions in flight at one server, 1 to 1000; those above wait their turn in order. What a
    /// socket's buffer holds bounds this: more only means that answers are lost.
    std::size_t max_in_flight = 100;
    /// Read like /etc/hosts, again when it changes (looked at every 5 s at most). Empty: none.
    std::string hosts_path;

    /// What this machine says: /etc/resolv.conf with LOCALDOMAIN and RES_OPTIONS, /etc/hosts.
    static resolver_config system();
};

}  // namespace green
