#include <green/net/detail/stream_socket.hpp>

#include <green/net/detail/socket_call.hpp>
#include <green/net/detail/stream_state.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

namespace green::detail {
namespace {

/// An option of type int, -1 if the system refuses: it is no socket.
int option_of(int fd, int option) noexcept {
    int value = -1;
    socklen_t size = sizeof value;
    return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

}  // namespace

poll_handle make_stream(owned_fd fd, const char* kind, const address* peer) {
    return poll_handle(new stream_state(
        std::move(fd), kind, stream_state::calls::of_sockets, peer ? *peer : address()
    ));
}

std::optional<address> unix_name_of(int fd, side s) {
    sockaddr_storage name;
    socklen_t size = sizeof name;
    auto* const data = reinterpret_cast<sockaddr*>(&name);
    int const status = s == side::local ? ::getsockname(fd, data, &size)
                                        : ::getpeername(fd, data, &size);
    if (status != 0) throw_stream_error("address of", "unix", errno);
    if (size <= offsetof(sockaddr, sa_data)) return std::nullopt;
    return address::from_sockaddr(data, size);
}

void require_stream_socket(
    int fd,
    std::initializer_list<int> domains,
    bool listens,
    std::string_view operation,
    std::string_view object
) {
    int const type = option_of(fd, SO_TYPE);
    if (type < 0) throw_socket_error(operation, object, errno);
    bool const fits = type == SOCK_STREAM && option_of(fd, SO_ACCEPTCONN) == (listens ? 1 : 0) &&
        std::find(domains.begin(), domains.end(), option_of(fd, SO_DOMAIN)) != domains.end();
    if (!fits) throw_socket_error(operation, object, EINVAL);
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) throw_socket_error(operation, object, errno);
}

}  // namespace green::detail
