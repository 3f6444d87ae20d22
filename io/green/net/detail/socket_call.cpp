#include <green/net/detail/socket_call.hpp>

#include <green/net/stream_error.hpp>

#include <system_error>

#include <sys/socket.h>

namespace green::detail {
namespace {

int domain_of(address_family family) noexcept {
    switch (family) {
    case address_family::ipv4: return AF_INET;
    case address_family::ipv6: return AF_INET6;
    case address_family::unix_path: break;
    }
    return AF_UNIX;
}

template <class Ask>
address address_from(Ask ask, int fd, const char* operation) {
    sockaddr_storage name;
    socklen_t size = sizeof name;
    auto* const data = reinterpret_cast<sockaddr*>(&name);
    if (ask(fd, data, &size) != 0) throw_socket_error(operation, "socket", errno);
    return address::from_sockaddr(data, size);
}

}  // namespace

void throw_socket_error(std::string_view operation, std::string_view object, int error) {
    std::string what(operation);
    what += ' ';
    what += object;
    throw std::system_error(error, std::system_category(), what);
}

void throw_stream_error(std::string_view operation, std::string_view object, int error) {
    switch (error) {
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ENETRESET:
    case ENOTCONN:
    case ETIMEDOUT: break;
    default: throw_socket_error(operation, object, error);
    }
    std::string what(operation);
    what += ' ';
    what += object;
    throw disconnected_error(std::error_code(error, std::system_category()), what);
}

owned_fd open_socket(address_family family, int type, std::string_view object) {
    owned_fd fd(socket(domain_of(family), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) throw_socket_error("open", object, errno);
    return fd;
}

bool set_option(int fd, int level, int option, int value) noexcept {
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

address local_address_of(int fd) { return address_from(getsockname, fd, "getsockname"); }
address remote_address_of(int fd) { return address_from(getpeername, fd, "getpeername"); }

}  // namespace green::detail
