#include <green/executor/descriptor.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

namespace green::detail {

void descriptor::reset() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::pair<descriptor, descriptor> socket_pair(int type) {
    int ends[2];
    if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) {
        throw std::system_error(errno, std::generic_category(), "socketpair");
    }
    return {descriptor(ends[0]), descriptor(ends[1])};
}

descriptor shared_memory(const char* name, std::size_t size) {
    descriptor memory(::memfd_create(name, MFD_CLOEXEC));
    if (!memory || ::ftruncate(memory.get(), static_cast<off_t>(size)) != 0) {
        throw std::system_error(errno, std::generic_category(), "memfd_create");
    }
    return memory;
}

descriptor duplicate(const descriptor& file) {
    descriptor copy(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy) throw std::system_error(errno, std::generic_category(), "F_DUPFD_CLOEXEC");
    return copy;
}

namespace {

/// Room for the descriptors of one message, aligned as the kernel wants it.
union control_room {
    cmsghdr header;
    char bytes[CMSG_SPACE(max_passed * sizeof(int))];
};

}  // namespace

bool send_message(
    int socket, std::span<const std::byte> message, std::span<const int> descriptors, int flags
) noexcept {
    iovec part{const_cast<std::byte*>(message.data()), message.size()};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    control_room room{};
    if (!descriptors.empty()) {
        header.msg_control = &room;
        header.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
        cmsghdr* const c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(descriptors.size_bytes());
        std::memcpy(CMSG_DATA(c), descriptors.data(), descriptors.size_bytes());
    }
    ssize_t sent;
    do sent = ::sendmsg(socket, &header, flags | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

bool receive_message(
    int socket, std::span<std::byte> message, received_message& out, int flags
) noexcept {
    iovec part{message.data(), message.size()};
    control_room room{};
    msghdr header{};
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    header.msg_control = &room;
    header.msg_controllen = sizeof room;
    ssize_t received;
    do received = ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
    while (received < 0 && errno == EINTR);
    if (received < 0) return false;
    out = {};
    out.size = static_cast<std::size_t>(received);
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        std::size_t const count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        int fds[max_passed];
        out.descriptor_count = std::min(count, max_passed);
        std::memcpy(fds, CMSG_DATA(c), out.descriptor_count * sizeof(int));
        for (std::size_t i = 0; i < out.descriptor_count; ++i) {
            out.descriptors[i] = descriptor(fds[i]);
        }
    }
    return true;
}

}  // namespace green::detail
