#include <green/net/detail/connect_operation.hpp>

#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace green::detail {

bool connect_operation::attempt(int fd) noexcept {
    if (!std::exchange(asked_, true)) return false;  // connect(2) has just said: in progress
    socklen_t size = sizeof error_;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_, &size) != 0) error_ = errno;
    return true;
}

}  // namespace green::detail
