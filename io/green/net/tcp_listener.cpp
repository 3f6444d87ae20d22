#include <green/net/tcp_listener.hpp>

#include <green/net/detail/socket_call.hpp>
#include <green/net/detail/stream_socket.hpp>

#include <cerrno>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace green {

using namespace detail;

tcp_listener tcp_listener::bind(const address& local, const listen_options& o) {
    std::string const object = "tcp " + local.to_string();
    if (local.family() == address_family::unix_path)
        throw_socket_error("listen", object, EAFNOSUPPORT);
    owned_fd fd = open_socket(local.family(), SOCK_STREAM, object);
    option_setter const set(fd.get(), object);
    // A port whose last connections are in TIME_WAIT can be listened on again.
    set(true, SOL_SOCKET, SO_REUSEADDR, 1);
    set(o.reuse_port, SOL_SOCKET, SO_REUSEPORT, 1);
    set(local.family() == address_family::ipv6, IPPROTO_IPV6, IPV6_V6ONLY, o.ipv6_only ? 1 : 0);
    // The connections inherit these: set once instead of once for each.
    set(o.nodelay, IPPROTO_TCP, TCP_NODELAY, 1);
    set(o.receive_buffer > 0, SOL_SOCKET, SO_RCVBUF, o.receive_buffer);
    set(o.send_buffer > 0, SOL_SOCKET, SO_SNDBUF, o.send_buffer);
    if (::bind(fd.get(), local.data(), local.size()) != 0 || ::listen(fd.get(), o.backlog) != 0)
        throw_socket_error("listen", object, errno);
    return tcp_listener(std::move(fd));
}

tcp_listener tcp_listener::bind(
    std::string_view ip, std::uint16_t port, const listen_options& options
) {
    return bind(address::parse(ip, port), options);
}

tcp_listener tcp_listener::from_descriptor(owned_fd fd) {
    require_stream_socket(fd.get(), {AF_INET, AF_INET6}, true, "take over", "tcp listener");
    return tcp_listener(std::move(fd));
}

tcp_stream tcp_listener::accept_awaitable::result() { return tcp_stream(take("tcp")); }

address tcp_listener::local_address() const {
    if (!is_open()) throw_socket_error("address of", "tcp listener", EBADF);
    return local_address_of(handle_.fd());
}

}  // namespace green
