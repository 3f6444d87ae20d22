#pragma once

// Internal: system calls on sockets, with errors that say what was done to which socket.

#include <green/net/address.hpp>
#include <green/net/owned_fd.hpp>

#include <cerrno>
#include <string>
#include <string_view>

namespace green::detail {

/// std::system_error `operation object: what the system says`.
[[noreturn]] void throw_socket_error(
    std::string_view operation, std::string_view object, int error
);

/// The same for an operation on a connection: a disconnected_error if the peer is gone.
[[noreturn]] void throw_stream_error(
    std::string_view operation, std::string_view object, int error
);

inline bool would_block(int error) noexcept { return error == EAGAIN || error == EWOULDBLOCK; }

/// Calls until it is not interrupted. The result, or -1 with errno.
template <class Call>
auto uninterrupted(Call call) noexcept {
    auto result = call();
    while (result < 0 && errno == EINTR) result = call();
    return result;
}

/// A socket that does not block and is closed on exec. `type` is SOCK_STREAM or SOCK_DGRAM.
/// Throws std::system_error.
owned_fd open_socket(address_family family, int type, std::string_view object);

/// Sets an option of type int. False, and errno says why, if the system refuses.
bool set_option(int fd, int level, int option, int value) noexcept;

/// The options of type int that a socket is opened with. `object` is for errors, and has to stay.
class option_setter {
public:
    option_setter(int fd, std::string_view object) noexcept : fd_(fd), object_(object) {}

    /// Sets one if it is wanted. Throws std::system_error.
    void operator()(bool wanted, int level, int option, int value) const {
        if (wanted && !set_option(fd_, level, option, value))
            throw_socket_error("set an option of", object_, errno);
    }

private:
    int fd_;
    std::string_view object_;
};

/// The address that a socket is bound to, or is connected to.
address local_address_of(int fd);
address remote_address_of(int fd);

}  // namespace green::detail
