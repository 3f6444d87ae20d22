#include <green/net/detail/accept_operation.hpp>

#include <green/net/detail/stream_state.hpp>

#include <cerrno>
#include <cstddef>
#include <utility>

#include <sys/socket.h>

namespace green::detail {
namespace {

/// The connection was given up before it was taken, or the network has lost it: the next one, please
/// (accept(2), "Error handling").
bool concerns_one_connection(int error) noexcept {
    switch (error) {
    case EINTR:
    case ECONNABORTED:
    case ENETDOWN:
    case EPROTO:
    case ENOPROTOOPT:
    case EHOSTDOWN:
    case ENONET:
    case EHOSTUNREACH:
    case ENETUNREACH: return true;
    default: return false;
    }
}

}  // namespace

bool accept_operation::attempt(int fd) noexcept {
    while (!accept_one(fd)) {
        if (concerns_one_connection(errno)) continue;
        if (would_block(errno)) return false;
        error_ = errno;
        return true;
    }
    return true;
}

bool accept_operation::accept_one(int listener) noexcept {
    sockaddr_storage name;
    socklen_t size = sizeof name;
    auto* const data = reinterpret_cast<sockaddr*>(&name);
    fd_ = owned_fd(::accept4(listener, data, &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd_) return false;
    if (size <= offsetof(sockaddr, sa_data)) return true;  // a unix socket without a name
    try {
        peer_ = address::from_sockaddr(data, size);
    } catch (...) {  // out of memory for a path, which errors and dumps can do without
    }
    return true;
}

poll_handle accept_operation::take(const char* kind) {
    check();
    return poll_handle(
        new stream_state(std::move(fd_), kind, stream_state::calls::of_sockets, std::move(peer_))
    );
}

}  // namespace green::detail
