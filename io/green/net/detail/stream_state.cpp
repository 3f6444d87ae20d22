#include <green/net/detail/stream_state.hpp>

#include <green/net/detail/socket_call.hpp>

#include <cerrno>

#include <sys/socket.h>
#include <unistd.h>

namespace green::detail {

std::string stream_state::label() const {
    std::string text = kind();
    if (peer_ != address()) return text + ' ' + peer_.to_string();
    if (fd() < 0 || calls_ == calls::of_files) return text;
    try {
        text += ' ' + local_address_of(fd()).to_string();
    } catch (...) {  // without a name, too
    }
    return text;
}

stream_state::outcome stream_state::receive(std::span<std::byte> into) noexcept {
    if (drained()) return {};
    ssize_t const n = uninterrupted([&] {
        return calls_ == calls::of_sockets ? ::recv(fd(), into.data(), into.size(), 0)
                                           : ::read(fd(), into.data(), into.size());
    });
    if (n < 0) {
        if (!would_block(errno)) return {true, errno, 0};
        set_drained();
        return {};
    }
    auto const size = static_cast<std::size_t>(n);
    // The end is told again and again; after a few bytes there is nothing.
    if (size > 0 && size < into.size()) set_drained();
    return {true, 0, size};
}

ssize_t stream_state::send(std::span<iovec> parts) noexcept {
    // run() has blocked SIGPIPE on this thread: a pipe without a reader is EPIPE as well.
    if (calls_ == calls::of_files) {
        return uninterrupted([&] {
            return ::writev(fd(), parts.data(), static_cast<int>(parts.size()));
        });
    }
    if (parts.size() == 1) {
        return uninterrupted([&] {
            return ::send(fd(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
        });
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return uninterrupted([&] { return ::sendmsg(fd(), &message, MSG_NOSIGNAL); });
}

int stream_state::shut_down_writing() noexcept {
    return ::shutdown(fd(), SHUT_WR) == 0 ? 0 : errno;
}

}  // namespace green::detail
