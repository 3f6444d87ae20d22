#include <green/net/tcp_stream.hpp>

#include <green/net/detail/connect_operation.hpp>
#include <green/net/detail/socket_call.hpp>
#include <green/net/detail/stream_socket.hpp>
#include <green/net/detail/stream_state.hpp>

#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace green {
namespace {

using namespace detail;

/// A socket that connects to `remote`; `in_progress` tells whether that has still to be waited for.
owned_fd begin_to_connect(const address& remote, const connect_options& o, bool& in_progress) {
    std::string const object = "tcp " + remote.to_string();
    if (remote.family() == address_family::unix_path)
        throw_socket_error("connect", object, EAFNOSUPPORT);
    owned_fd fd = open_socket(remote.family(), SOCK_STREAM, object);
    option_setter const set(fd.get(), object);
    set(o.nodelay, IPPROTO_TCP, TCP_NODELAY, 1);
    set(o.receive_buffer > 0, SOL_SOCKET, SO_RCVBUF, o.receive_buffer);
    set(o.send_buffer > 0, SOL_SOCKET, SO_SNDBUF, o.send_buffer);
    if (o.local && ::bind(fd.get(), o.local->data(), o.local->size()) != 0)
        throw_socket_error("bind", "tcp " + o.local->to_string(), errno);
    in_progress = false;
    if (::connect(fd.get(), remote.data(), remote.size()) != 0) {
        if (errno != EINPROGRESS && errno != EINTR) throw_socket_error("connect", object, errno);
        in_progress = true;
    }
    return fd;
}

}  // namespace

task<tcp_stream> tcp_stream::connect(address remote, connect_options options) {
    bool in_progress = false;
    owned_fd fd = begin_to_connect(remote, options, in_progress);
    tcp_stream s(make_stream(std::move(fd), "tcp", &remote));
    if (in_progress) co_await connect_operation(s.handle());
    co_return s;
}

tcp_stream tcp_stream::from_descriptor(owned_fd fd) {
    require_stream_socket(fd.get(), {AF_INET, AF_INET6}, false, "take over", "tcp");
    address const peer = remote_address_of(fd.get());
    return tcp_stream(make_stream(std::move(fd), "tcp", &peer));
}

void tcp_stream::set_nodelay(bool on) {
    set("set no-delay of", IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0);
}

void tcp_stream::set_keep_alive(const std::optional<green::keep_alive>& probes) {
    static constexpr const char* operation = "set keep-alive of";
    if (probes) {
        set(operation, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(probes->idle.count()));
        set(operation, IPPROTO_TCP, TCP_KEEPINTVL, static_cast<int>(probes->interval.count()));
        set(operation, IPPROTO_TCP, TCP_KEEPCNT, probes->count);
    }
    set(operation, SOL_SOCKET, SO_KEEPALIVE, probes ? 1 : 0);
}

void tcp_stream::set_user_timeout(std::optional<std::chrono::milliseconds> limit) {
    int const value = limit ? static_cast<int>(limit->count()) : 0;
    set("set user timeout of", IPPROTO_TCP, TCP_USER_TIMEOUT, value);
}

void tcp_stream::set_linger(std::optional<std::chrono::seconds> limit) {
    static constexpr const char* operation = "set linger of";
    linger const value{limit ? 1 : 0, limit ? static_cast<int>(limit->count()) : 0};
    if (setsockopt(descriptor(operation), SOL_SOCKET, SO_LINGER, &value, sizeof value) != 0)
        throw_socket_error(operation, "tcp", errno);
}

void tcp_stream::set_receive_buffer(int bytes) {
    set("set receive buffer of", SOL_SOCKET, SO_RCVBUF, bytes);
}
void tcp_stream::set_send_buffer(int bytes) {
    set("set send buffer of", SOL_SOCKET, SO_SNDBUF, bytes);
}
int tcp_stream::receive_buffer() const {
    return get("ask for the receive buffer of", SOL_SOCKET, SO_RCVBUF);
}
int tcp_stream::send_buffer() const {
    return get("ask for the send buffer of", SOL_SOCKET, SO_SNDBUF);
}

void tcp_stream::reset() noexcept {
    if (!is_open()) return;
    linger const at_once{1, 0};
    setsockopt(native_handle(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close();
}

}  // namespace green
