#pragma once

#include <green/net/owned_fd.hpp>

#include <string>
#include <vector>

namespace green {

/// A descriptor that this process was started with.
struct inherited_socket {
    owned_fd descriptor;
    std::string name;  ///< FileDescriptorName= of its socket unit; "" if there is none
};

/// The sockets that systemd, or whoever speaks its protocol, has opened for this process: socket
/// activation, LISTEN_FDS and LISTEN_PID of sd_listen_fds(3). Empty when there are none. The first call
/// takes them and clears the environment, so that no child takes them for its own; a later one finds
/// none. Throws std::system_error if a descriptor that was announced is not there.
///
///     for (inherited_socket& s : inherited_sockets())
///         listeners.push_back(tcp_listener::from_descriptor(std::move(s.descriptor)));
std::vector<inherited_socket> inherited_sockets();

}  // namespace green
