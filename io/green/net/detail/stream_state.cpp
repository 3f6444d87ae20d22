#include <green/net/detail/stream_state.hpp>

#include <green/net/detail/socket_call.hpp>

#include <cerrno>
#include <cstddef>
#include <cstring>
#include <new>

#include <sys/socket.h>
#include <unistd.h>

namespace green::detail {

namespace {

/// How many can go with one message (unix(7), SCM_MAX_FD).
constexpr std::size_t most_descriptors = 253;

struct descriptor_space {
    alignas(cmsghdr) std::byte bytes[CMSG_SPACE(most_descriptors * sizeof(int))];
};

bool make_room(std::vector<owned_fd>& v, std::size_t count) noexcept {
    try {
        v.reserve(v.size() + count);
        return true;
    } catch (const std::bad_alloc&) {
        return false;
    }
}

/// False, and they are closed, if there is no memory for them.
bool take_descriptors(msghdr& message, std::vector<owned_fd>& into) noexcept {
    bool taken = true;
    for (cmsghdr* h = CMSG_FIRSTHDR(&message); h; h = CMSG_NXTHDR(&message, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) continue;
        int fds[most_descriptors];
        std::size_t const size = h->cmsg_len - CMSG_LEN(0);
        std::memcpy(fds, CMSG_DATA(h), size);
        std::span const come(fds, size / sizeof(int));
        taken = taken && make_room(into, come.size());
        for (int const fd : come) {
            owned_fd owned(fd);
            if (taken) into.push_back(std::move(owned));
        }
    }
    return taken;
}

}  // namespace

std::string stream_state::own_label() const {
    std::string text = kind();
    if (peer_ != address()) return text + ' ' + peer_.to_string();
    if (fd() < 0 || calls_ == calls::of_files) return text;
    try {
        std::string const own = local_address_of(fd()).to_string();
        if (!own.empty()) text += ' ' + own;
    } catch (...) {  // it is called so without a name
    }
    return text;
}

stream_state::outcome stream_state::receive(std::span<std::byte> into) noexcept {
    if (drained()) return {};
    ssize_t const n = uninterrupted([&] {
        return calls_ == calls::of_sockets ? ::recv(fd(), into.data(), into.size(), 0)
                                           : ::read(fd(), into.data(), into.size());
    });
    return received(n, into.size());
}

stream_state::outcome stream_state::received(ssize_t n, std::size_t room) noexcept {
    if (n < 0) {
        if (!would_block(errno)) return {true, errno, 0};
        set_drained();
        return {};
    }
    auto const size = static_cast<std::size_t>(n);
    // The end is told again and again; after a few bytes there is nothing.
    if (size > 0 && size < room) set_drained();
    return {true, 0, size};
}

// run() has blocked SIGPIPE on this thread: a pipe without a reader is EPIPE as well.

ssize_t stream_state::send(std::span<const std::byte> data) noexcept {
    return uninterrupted([&] {
        return calls_ == calls::of_sockets ? ::send(fd(), data.data(), data.size(), MSG_NOSIGNAL)
                                           : ::write(fd(), data.data(), data.size());
    });
}

ssize_t stream_state::send(std::span<iovec> parts) noexcept {
    if (calls_ == calls::of_files) {
        return uninterrupted([&] {
            return ::writev(fd(), parts.data(), static_cast<int>(parts.size()));
        });
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    return uninterrupted([&] { return ::sendmsg(fd(), &message, MSG_NOSIGNAL); });
}

ssize_t stream_state::send(std::span<iovec> parts, std::span<const int> descriptors) noexcept {
    descriptor_space space;
    if (descriptors.size() > most_descriptors) {  // unix(7): SCM_MAX_FD
        errno = EINVAL;
        return -1;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    message.msg_control = space.bytes;
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
    return uninterrupted([&] { return ::sendmsg(fd(), &message, MSG_NOSIGNAL); });
}

stream_state::outcome stream_state::read(
    std::span<std::byte> into, std::vector<owned_fd>& descriptors
) noexcept {
    if (!ahead.empty() || drained()) return read(into);
    descriptor_space space;
    iovec part{into.data(), into.size()};
    msghdr message{};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = space.bytes;
    message.msg_controllen = sizeof space.bytes;
    ssize_t const n = uninterrupted([&] { return ::recvmsg(fd(), &message, MSG_CMSG_CLOEXEC); });
    if (n < 0) return received(n, into.size());
    std::size_t const before = descriptors.size();
    int error = take_descriptors(message, descriptors) ? 0 : ENOMEM;
    // The kernel throws away those for which there is no number.
    if ((message.msg_flags & MSG_CTRUNC) != 0) error = EMFILE;
    auto const got = received(n, into.size());
    if (error == 0) return got;
    descriptors.resize(before);
    try {
        ahead.put_back({reinterpret_cast<const char*>(into.data()), got.size});
    } catch (const std::bad_alloc&) {
        error = ENOMEM;  // and the bytes are lost, too
    }
    return {true, error, 0};
}

int stream_state::shut_down_writing() noexcept {
    return ::shutdown(fd(), SHUT_WR) == 0 ? 0 : errno;
}

}  // namespace green::detail
