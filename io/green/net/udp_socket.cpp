#include <green/net/udp_socket.hpp>

#include <green/net/detail/socket_call.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace green {
namespace {

using namespace detail;

/// Datagrams of one system call.
constexpr std::size_t batch = 64;

/// A name that the kernel fills in.
struct name_space {
    sockaddr_storage bytes;
    sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&bytes); }
};

void set_name(msghdr& message, const address* to) noexcept {
    if (!to) return;
    message.msg_name = const_cast<sockaddr*>(to->data());
    message.msg_namelen = to->size();
}

/// What the kernel says of a datagram that it has put into `size` bytes of memory.
udp_received received(const msghdr& message, std::size_t size) {
    udp_received r;
    r.size = size;
    r.truncated = (message.msg_flags & MSG_TRUNC) != 0;
    r.from =
        address::from_sockaddr(static_cast<const sockaddr*>(message.msg_name), message.msg_namelen);
    return r;
}

std::string object_text(const address& a) { return "udp " + a.to_string(); }

/// A socket with these options, neither bound nor connected.
owned_fd make_socket(const address& a, const udp_options& o) {
    std::string const object = object_text(a);
    if (a.family() == address_family::unix_path) throw_socket_error("open", object, EAFNOSUPPORT);
    owned_fd fd = open_socket(a.family(), SOCK_DGRAM, object);
    option_setter const set(fd.get(), object);
    set(a.family() == address_family::ipv6, IPPROTO_IPV6, IPV6_V6ONLY, o.ipv6_only ? 1 : 0);
    set(o.reuse_port, SOL_SOCKET, SO_REUSEPORT, 1);
    set(o.reuse_address, SOL_SOCKET, SO_REUSEADDR, 1);
    set(o.broadcast, SOL_SOCKET, SO_BROADCAST, 1);
    set(o.receive_buffer > 0, SOL_SOCKET, SO_RCVBUF, o.receive_buffer);
    set(o.send_buffer > 0, SOL_SOCKET, SO_SNDBUF, o.send_buffer);
    return fd;
}

}  // namespace

udp_socket udp_socket::bind(const address& local, const udp_options& options) {
    owned_fd fd = make_socket(local, options);
    if (::bind(fd.get(), local.data(), local.size()) != 0)
        throw_socket_error("bind", object_text(local), errno);
    return udp_socket(std::move(fd));
}

udp_socket udp_socket::bind(std::string_view ip, std::uint16_t port, const udp_options& options) {
    return bind(address::parse(ip, port), options);
}

udp_socket udp_socket::connect(const address& remote, const udp_options& options) {
    owned_fd fd = make_socket(remote, options);
    if (::connect(fd.get(), remote.data(), remote.size()) != 0)
        throw_socket_error("connect", object_text(remote), errno);
    return udp_socket(std::move(fd));
}

// --- receiving

udp_socket::receive_awaitable udp_socket::receive_from(std::span<std::byte> into) noexcept {
    return {handle_, into};
}

bool udp_socket::receive_awaitable::attempt(int fd) noexcept {
    name_space name;
    iovec part{into_.data(), into_.size()};
    msghdr message{};
    message.msg_name = name.data();
    message.msg_namelen = sizeof name.bytes;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ssize_t const n = uninterrupted([&] { return recvmsg(fd, &message, 0); });
    if (n < 0 && would_block(errno)) return false;
    if (n < 0)
        error_ = errno;
    else
        received_ = received(message, static_cast<std::size_t>(n));
    return true;
}

udp_received udp_socket::receive_awaitable::result() {
    check();
    return received_;
}

task<datagram> udp_socket::receive() {
    datagram d;
    d.data.resize(largest_datagram);
    udp_received const r = co_await receive_from(d.data);
    d.data.resize(r.size);
    d.data.shrink_to_fit();
    d.from = r.from;
    co_return d;
}

udp_socket::receive_batch_awaitable udp_socket::receive_batch(
    std::span<std::byte> into, std::size_t size, std::vector<udp_received>& received
) {
    return {handle_, into, size, received};
}

udp_socket::receive_batch_awaitable::receive_batch_awaitable(
    poll_handle& h, std::span<std::byte> into, std::size_t size, std::vector<udp_received>& received
)
    : poll_operation(h, poll_direction::read, "receive"),
      into_(into),
      size_(size),
      received_(&received) {
    if (size == 0 || into.size() < size)
        throw std::invalid_argument("green: receive_batch: no room for a datagram");
    // The attempt may not throw.
    received.clear();
    received.reserve(std::min(batch, into.size() / size));
}

bool udp_socket::receive_batch_awaitable::attempt(int fd) noexcept {
    std::array<name_space, batch> names;
    std::array<iovec, batch> parts;
    std::array<mmsghdr, batch> messages{};
    std::size_t const room = std::min(batch, into_.size() / size_);
    for (std::size_t i = 0; i < room; ++i) {
        parts[i] = {into_.data() + i * size_, size_};
        msghdr& m = messages[i].msg_hdr;
        m.msg_name = names[i].data();
        m.msg_namelen = sizeof names[i].bytes;
        m.msg_iov = &parts[i];
        m.msg_iovlen = 1;
    }
    int const n = uninterrupted([&] {
        return recvmmsg(fd, messages.data(), static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
    });
    if (n < 0 && would_block(errno)) return false;
    if (n < 0) error_ = errno;
    for (int i = 0; i < n; ++i) {
        mmsghdr const& m = messages[static_cast<std::size_t>(i)];
        received_->push_back(received(m.msg_hdr, m.msg_len));
    }
    return true;
}

std::size_t udp_socket::receive_batch_awaitable::result() {
    check();
    return received_->size();
}

// --- sending

udp_socket::send_awaitable udp_socket::send(std::span<const std::byte> data) noexcept {
    return {handle_, data};
}
udp_socket::send_awaitable udp_socket::send(std::string_view data) noexcept {
    return {handle_, std::as_bytes(std::span(data))};
}
udp_socket::send_awaitable udp_socket::send_to(
    std::span<const std::byte> data, const address& to
) noexcept {
    return {handle_, data, to};
}
udp_socket::send_awaitable udp_socket::send_to(std::string_view data, const address& to) noexcept {
    return {handle_, std::as_bytes(std::span(data)), to};
}

bool udp_socket::send_awaitable::attempt(int fd) noexcept {
    iovec part{const_cast<std::byte*>(data_.data()), data_.size()};
    msghdr message{};
    set_name(message, to_);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    ssize_t const n = uninterrupted([&] { return sendmsg(fd, &message, MSG_NOSIGNAL); });
    if (n < 0 && would_block(errno)) return false;
    if (n < 0) error_ = errno;
    return true;
}

void udp_socket::send_awaitable::result() const {
    if (error_ > 0 && to_) fail(" to " + to_->to_string());
    check();
}

udp_socket::send_batch_awaitable udp_socket::send_batch(std::span<const outgoing> datagrams
) noexcept {
    return {handle_, datagrams};
}

bool udp_socket::send_batch_awaitable::attempt(int fd) noexcept {
    std::array<iovec, batch> parts;
    std::array<mmsghdr, batch> messages;
    while (sent_ < datagrams_.size()) {
        auto const next = datagrams_.subspan(sent_, std::min(batch, datagrams_.size() - sent_));
        for (std::size_t i = 0; i < next.size(); ++i) {
            parts[i] = {const_cast<std::byte*>(next[i].data.data()), next[i].data.size()};
            messages[i] = {};
            set_name(messages[i].msg_hdr, next[i].to);
            messages[i].msg_hdr.msg_iov = &parts[i];
            messages[i].msg_hdr.msg_iovlen = 1;
        }
        int const n = uninterrupted([&] {
            return sendmmsg(fd, messages.data(), static_cast<unsigned>(next.size()), MSG_NOSIGNAL);
        });
        if (n < 0 && would_block(errno)) return false;
        if (n < 0) {
            error_ = errno;
            return true;
        }
        sent_ += static_cast<std::size_t>(n);
    }
    return true;
}

void udp_socket::send_batch_awaitable::result() const {
    if (error_ > 0) {
        fail(
            ", after " + std::to_string(sent_) + " of " + std::to_string(datagrams_.size()) +
            " datagrams"
        );
    }
    check();
}

// --- the socket itself

int udp_socket::descriptor(const char* operation) const {
    if (handle_.fd() < 0) throw_socket_error(operation, "udp", EBADF);
    return handle_.fd();
}

address udp_socket::local_address() const { return local_address_of(descriptor("address of")); }
address udp_socket::remote_address() const { return remote_address_of(descriptor("peer of")); }

void udp_socket::set(const char* operation, int v4_option, int v6_option, int value) {
    int const fd = descriptor(operation);
    address const local = local_address_of(fd);
    bool const v4 = local.family() == address_family::ipv4;
    if (!set_option(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? v4_option : v6_option, value))
        throw_socket_error(operation, object_text(local), errno);
}

void udp_socket::set_multicast_hops(int hops) {
    set("set the multicast hops of", IP_MULTICAST_TTL, IPV6_MULTICAST_HOPS, hops);
}

void udp_socket::set_multicast_loopback(bool on) {
    set("set the multicast loopback of", IP_MULTICAST_LOOP, IPV6_MULTICAST_LOOP, on);
}

void udp_socket::set_multicast_interface(std::uint32_t interface) {
    const char* const operation = "set the multicast interface of";
    int const fd = descriptor(operation);
    address const local = local_address_of(fd);
    int const index = static_cast<int>(interface);
    ip_mreqn by_index{};
    by_index.imr_ifindex = index;
    bool const done = local.family() == address_family::ipv4
        ? setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by_index, sizeof by_index) == 0
        : set_option(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, index);
    if (!done) throw_socket_error(operation, object_text(local), errno);
}

void udp_socket::join_group(const address& group, std::uint32_t interface) {
    change_group("join a group with", IP_ADD_MEMBERSHIP, IPV6_JOIN_GROUP, group, interface);
}
void udp_socket::leave_group(const address& group, std::uint32_t interface) {
    change_group("leave a group with", IP_DROP_MEMBERSHIP, IPV6_LEAVE_GROUP, group, interface);
}

void udp_socket::
    change_group(const char* operation, int v4, int v6, const address& group, std::uint32_t interface) {
    int const fd = descriptor(operation);
    auto const bytes = group.bytes();
    bool done = false;
    if (bytes.size() == 4) {
        ip_mreqn request{};
        std::memcpy(&request.imr_multiaddr, bytes.data(), bytes.size());
        request.imr_ifindex = static_cast<int>(interface);
        done = setsockopt(fd, IPPROTO_IP, v4, &request, sizeof request) == 0;
    } else if (bytes.size() == 16) {
        ipv6_mreq request{};
        std::memcpy(&request.ipv6mr_multiaddr, bytes.data(), bytes.size());
        request.ipv6mr_interface = interface != 0 ? interface : group.scope();
        done = setsockopt(fd, IPPROTO_IPV6, v6, &request, sizeof request) == 0;
    } else {
        errno = EAFNOSUPPORT;
    }
    if (!done) throw_socket_error(operation, object_text(group), errno);
}

}  // namespace green
