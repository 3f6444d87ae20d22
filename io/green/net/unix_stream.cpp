#include <green/net/unix_stream.hpp>

#include <green/loop/sleep.hpp>
#include <green/net/detail/socket_call.hpp>
#include <green/net/detail/stream_socket.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>

#include <sys/socket.h>

namespace green {
namespace {

using namespace detail;

constexpr const char* kind = "unix";

/// False if the listener's line is full.
bool try_to_connect(int fd, const address& remote) {
    if (::connect(fd, remote.data(), remote.size()) == 0) return true;
    if (would_block(errno)) return false;
    throw_socket_error("connect", "unix " + remote.to_string(), errno);
}

}  // namespace

task<unix_stream> unix_stream::connect(address remote) {
    if (remote.family() != address_family::unix_path)
        throw_socket_error("connect", "unix " + remote.to_string(), EAFNOSUPPORT);
    owned_fd fd = open_socket(remote.family(), SOCK_STREAM, kind);
    // A unix socket that could not connect at once says nothing when it could (connect(2), EAGAIN).
    std::chrono::milliseconds pause{1};
    for (;;) {
        bool const connected = try_to_connect(fd.get(), remote);
        if (connected) break;
        co_await sleep_for(pause);
        pause = std::min(pause * 2, std::chrono::milliseconds(64));
    }
    co_return unix_stream(make_stream(std::move(fd), kind, &remote));
}

std::pair<unix_stream, unix_stream> unix_stream::pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0)
        throw_socket_error("open", "unix socket pair", errno);
    owned_fd a(fds[0]);
    owned_fd b(fds[1]);
    unix_stream first(make_stream(std::move(a), kind, nullptr));
    unix_stream second(make_stream(std::move(b), kind, nullptr));
    return {std::move(first), std::move(second)};
}

unix_stream unix_stream::from_descriptor(owned_fd fd) {
    require_stream_socket(fd.get(), {AF_UNIX}, false, "take over", kind);
    auto const peer = unix_name_of(fd.get(), side::remote);
    return unix_stream(make_stream(std::move(fd), kind, peer ? &*peer : nullptr));
}

std::optional<address> unix_stream::local_address() const {
    return unix_name_of(descriptor("address of"), side::local);
}

std::optional<address> unix_stream::remote_address() const {
    return unix_name_of(descriptor("address of"), side::remote);
}

peer_credentials unix_stream::credentials() const {
    ucred c{};
    socklen_t size = sizeof c;
    int const fd = descriptor("credentials of");
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &size) != 0)
        throw_socket_error("credentials of", kind, errno);
    return {c.pid, c.uid, c.gid};
}

unix_stream::write_awaitable unix_stream::send_descriptors(
    std::span<const std::byte> data, std::span<const int> descriptors
) {
    if (data.empty())
        throw std::invalid_argument("green: send_descriptors: they need a byte to go with");
    return {handle(), const_buffer(data), descriptors};
}

}  // namespace green
