// The sockets of a wire_channel: what c-ares opens, sends and receives goes through here.

#include <green/dns/detail/message_question.hpp>
#include <green/dns/detail/wire_core.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace green::detail {

namespace {

constexpr int memory_per_answer = 2304;  // what the kernel counts for a datagram of 1232 bytes

wire_channel& channel_of(void* data) noexcept { return *static_cast<wire_channel*>(data); }

ares_socket_t on_open(int family, int type, int protocol, void* channel) {
    return channel_of(channel).open(family, type, protocol);
}

int on_close(ares_socket_t fd, void* channel) { return channel_of(channel).close(fd); }

ares_ssize_t on_receive(
    ares_socket_t fd,
    void* data,
    std::size_t size,
    int,
    sockaddr* from,
    ares_socklen_t* from_size,
    void* channel
) {
    return channel_of(channel).receive(fd, {static_cast<std::byte*>(data), size}, from, from_size);
}

#if ARES_VERSION >= 0x012200

int on_connect(ares_socket_t fd, const sockaddr* to, ares_socklen_t size, unsigned int, void*) {
    return connect(fd, to, size);
}

ares_ssize_t on_send(
    ares_socket_t fd,
    const void* data,
    std::size_t size,
    int,
    const sockaddr*,
    ares_socklen_t,
    void* channel
) {
    const iovec part{const_cast<void*>(data), size};
    return channel_of(channel).send(fd, {&part, 1});
}

int on_option(ares_socket_t, ares_socket_opt_t, const void*, ares_socklen_t, void*) {
    errno = ENOSYS;
    return -1;
}

int on_name(ares_socket_t fd, sockaddr* name, ares_socklen_t* size, void*) {
    return getsockname(fd, name, size);
}

#else

int on_connect(ares_socket_t fd, const sockaddr* to, ares_socklen_t size, void*) {
    return connect(fd, to, size);
}

ares_ssize_t on_send(ares_socket_t fd, const iovec* parts, int count, void* channel) {
    return channel_of(channel).send(fd, {parts, static_cast<std::size_t>(count)});
}

#endif

}  // namespace

void wire_channel::use_own_sockets() noexcept {
#if ARES_VERSION >= 0x012200
    ares_socket_functions_ex functions{};
    functions.version = 1;
    functions.flags = ARES_SOCKFUNC_FLAG_NONBLOCKING;
    functions.asocket = on_open;
    functions.aclose = on_close;
    functions.asetsockopt = on_option;
    functions.aconnect = on_connect;
    functions.arecvfrom = on_receive;
    functions.asendto = on_send;
    functions.agetsockname = on_name;
    ares_set_socket_functions_ex(ares_, &functions, this);
#else
    static const ares_socket_functions functions{
        on_open, on_close, on_connect, on_receive, on_send
    };
    ares_set_socket_functions(ares_, &functions, this);
#endif
}

ares_socket_t wire_channel::open(int family, int type, int protocol) noexcept {
    auto* const socket = new (std::nothrow) wire_socket;
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (!socket || fd < 0) {
        delete socket;
        if (fd >= 0) ::close(fd);
        return ARES_SOCKET_BAD;
    }
    socket->channel = this;
    socket->fd = fd;
    socket->udp = type == SOCK_DGRAM;
    socket->handle.data = socket;
    sockets_.push_back(*socket);
    configure(*socket);
    return fd;
}

void wire_channel::configure(const wire_socket& socket) noexcept {
#if ARES_VERSION < 0x011700 && defined(SO_BINDTODEVICE)
    // These versions connect to a link-local address without its scope.
    char interface[IF_NAMESIZE];
    if (server_.where.scope() != 0 && if_indextoname(server_.where.scope(), interface)) {
        setsockopt(socket.fd, SOL_SOCKET, SO_BINDTODEVICE, interface, sizeof interface);
    }
#endif
    if (!socket.udp) {
        const int on = 1;
        setsockopt(socket.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        return;
    }
    const int asked = server_.options.receive_buffer;
    if (asked > 0) setsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, &asked, sizeof asked);
    int got = 0;
    socklen_t size = sizeof got;
    if (getsockopt(socket.fd, SOL_SOCKET, SO_RCVBUF, &got, &size) != 0) return;
    server_.window.fit(static_cast<unsigned>(std::max(got / memory_per_answer, 1)));
}

wire_socket* wire_channel::find(ares_socket_t fd) noexcept {
    wire_socket* socket = sockets_.front();
    while (socket && socket->fd != fd) socket = sockets_.after(*socket);
    return socket;
}

int wire_channel::close(ares_socket_t fd) noexcept {
    wire_socket* const socket = find(fd);
    sockets_.remove(*socket);
    core_.outbox.forget(*socket);
    core_.inbox.forget(*socket);
    if (!socket->polled) {
        delete socket;
        return ::close(fd);
    }
    // Out of epoll before the number is free for another: the next descriptor has its own handle.
    uv_poll_stop(&socket->handle);
    socket->core = &core_;
    uv_close(reinterpret_cast<uv_handle_t*>(&socket->handle), [](uv_handle_t* handle) {
        auto* const closed = static_cast<wire_socket*>(handle->data);
        wire_core& core = *closed->core;
        delete closed;
        core.handle_closed();
    });
    return ::close(fd);
}

void wire_channel::on_socket_state(void* arg, ares_socket_t fd, int readable, int writable) {
    auto& channel = channel_of(arg);
    wire_socket* const socket = channel.find(fd);
    if (socket) channel.poll(*socket, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
}

void wire_channel::poll(wire_socket& socket, int events) noexcept {
    socket.events = events;
    if (!socket.polled) {
        // Without a handle the queries on this socket end by timeout.
        if (events == 0 || uv_poll_init(core_.loop, &socket.handle, socket.fd) != 0) return;
        socket.polled = true;
        ++core_.handles;
        // Only the tick keeps the loop alive.
        uv_unref(reinterpret_cast<uv_handle_t*>(&socket.handle));
    }
    const int wanted = events | (socket.blocked ? UV_WRITABLE : 0);
    if (wanted == 0)
        uv_poll_stop(&socket.handle);
    else
        uv_poll_start(&socket.handle, wanted, on_poll);
}

void wire_channel::on_poll(uv_poll_t* handle, int status, int events) {
    auto& socket = *static_cast<wire_socket*>(handle->data);
    auto& channel = *socket.channel;
    wire_core& core = channel.core_;
    const auto fd = socket.fd;
    // On an error c-ares is to find it by itself, whichever way it tries.
    const bool error = status < 0;
    if ((events & UV_WRITABLE) && std::exchange(socket.blocked, false)) {
        channel.poll(socket, socket.events);
    }
    const bool writable = error || (events & socket.events & UV_WRITABLE);
    if (error || (events & UV_READABLE)) channel.read(socket);
    if (writable && channel.find(fd) == &socket) channel.process(ARES_SOCKET_BAD, fd);
    // libuv has stopped a handle that it reports an error of. c-ares keeps the socket if a send
    // took the error off it in the meantime.
    if (error && channel.find(fd) == &socket) channel.poll(socket, socket.events);
    core.after_ares();
}

ssize_t wire_channel::send(ares_socket_t fd, std::span<const iovec> parts) noexcept {
    wire_socket& socket = *find(fd);
    if (!socket.udp) {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts.data());
        message.msg_iovlen = parts.size();
        return sendmsg(fd, &message, MSG_NOSIGNAL);
    }
    const auto* const packet = static_cast<const std::byte*>(parts.front().iov_base);
    if (being_sent_) identify(*being_sent_, {packet, parts.front().iov_len});
    if (!core_.outbox.add(socket, parts)) {
        errno = EAGAIN;
        return -1;
    }
    core_.begin_flush();
    return static_cast<ssize_t>(parts.front().iov_len);
}

ssize_t wire_channel::receive(
    ares_socket_t fd, std::span<std::byte> out, sockaddr* from, socklen_t* from_size
) noexcept {
    wire_socket& socket = *find(fd);
    if (!socket.udp) return recv(fd, out.data(), out.size(), 0);
    if (socket.error != 0) {
        errno = std::exchange(socket.error, 0);
        return -1;
    }
    for (;;) {
        const auto datagram = next_datagram(socket);
        if (!datagram) return -1;
        wire_slot* const slot = expected(*datagram);
        if (!slot || datagram->size() > out.size()) {
            ++core_.stats.dropped;
            continue;
        }
        if (edns()) {
            if (read_header(*datagram).format_error) {
                server_.not_understood(*slot);
                continue;
            }
            server_.edns_.answered();
        }
        std::memcpy(out.data(), datagram->data(), datagram->size());
        if (from && from_size) {  // the socket is connected: the kernel has looked at it
            *from_size = std::min<socklen_t>(*from_size, server_.where.size());
            std::memcpy(from, server_.where.data(), *from_size);
        }
        return static_cast<ssize_t>(datagram->size());
    }
}

/// Empty when there is none; errno says why.
std::optional<std::span<const std::byte>> wire_channel::next_datagram(wire_socket& socket
) noexcept {
    datagram_inbox& inbox = core_.inbox;
    if (inbox.left(&socket) == 0) {
        errno = EAGAIN;
        if (socket.drained) return std::nullopt;
        const int got = inbox.fill(socket);
        if (got < 0) return std::nullopt;
        socket.drained = static_cast<std::size_t>(got) < datagram_inbox::capacity;
    }
    return inbox.take();
}

/// c-ares takes all that is there. It may close the socket.
void wire_channel::read(wire_socket& socket) noexcept {
    const int fd = socket.fd;
    socket.drained = false;
    process(fd, ARES_SOCKET_BAD);
    // A program that was built with an older c-ares and runs with 1.34 or newer: that takes a single
    // datagram at a time through the functions it was given.
    const datagram_inbox& inbox = core_.inbox;
    for (std::size_t left = inbox.left(&socket), before = 0; left != 0 && left != before;) {
        process(fd, ARES_SOCKET_BAD);
        before = std::exchange(left, inbox.left(&socket));
    }
}

void wire_channel::look() noexcept {
    wire_socket* socket = sockets_.front();
    while (socket && !socket->udp) socket = sockets_.after(*socket);
    if (socket) read(*socket);
}

void wire_channel::await_room() noexcept {
    for (wire_socket* s = sockets_.front(); s; s = sockets_.after(*s)) {
        if (s->blocked) poll(*s, s->events);
    }
}

void wire_channel::take_errors() noexcept {
    wire_socket* socket = sockets_.front();
    while (socket) {
        if (socket->error == 0) {
            socket = sockets_.after(*socket);
            continue;
        }
        const int fd = socket->fd;
        process(fd, ARES_SOCKET_BAD);
        // c-ares may have closed any of them, and need not have read this one.
        if (wire_socket* const still = find(fd)) still->error = 0;
        socket = sockets_.front();
    }
}

}  // namespace green::detail
