#pragma once

#include <green/core/task.hpp>
#include <green/net/address.hpp>
#include <green/net/detail/poll_handle.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace green {

struct udp_options {
    /// Several sockets of this machine may be bound to one port, and the kernel spreads what arrives
    /// over them (SO_REUSEPORT).
    bool reuse_port = false;
    /// Other sockets may be bound to the port as well: for groups of multicast (SO_REUSEADDR).
    bool reuse_address = false;
    /// A socket on an IPv6 address takes no IPv4 (IPV6_V6ONLY). Without, one on `::` takes both.
    bool ipv6_only = false;
    bool broadcast = false;  ///< may send to broadcast addresses
    int receive_buffer = 0;  ///< bytes, SO_RCVBUF; 0 leaves the system's default
    int send_buffer = 0;  ///< bytes, SO_SNDBUF; likewise
};

/// What has arrived.
struct udp_received {
    std::size_t size = 0;  ///< bytes in the caller's memory
    address from;
    bool truncated = false;  ///< it was longer than that memory; the rest is lost
};

/// A datagram with memory of its own.
struct datagram {
    std::vector<std::byte> data;
    address from;

    std::string_view view() const noexcept {
        return {reinterpret_cast<const char*>(data.data()), data.size()};
    }
};

/// A UDP socket: datagrams that arrive whole or not at all, in any order, perhaps twice.
///
/// One task may receive and one may send at a time; a second of either kind gets std::logic_error. An
/// operation does not wait if the kernel can do it at once. Loop-affine: it belongs to the loop on which
/// it was made, and closes with it.
///
/// Errors are std::system_error with what was done, the socket and the cause:
/// `bind udp 127.0.0.1:53: permission denied`. On a connected socket `connection refused` of an earlier
/// datagram is thrown by the next operation, and the socket goes on (RFC 1122, 4.1.3.3).
///
///     udp_socket s = udp_socket::bind(address::parse("127.0.0.1:9000"));
///     for (;;) {
///         datagram const d = co_await s.receive();
///         co_await s.send_to(d.data, d.from);
///     }
///
/// Models: tokio's UdpSocket, asio::ip::udp::socket.
class udp_socket {
public:
    class receive_awaitable;
    class receive_batch_awaitable;
    class send_awaitable;
    class send_batch_awaitable;

    /// The largest datagram that IPv4 can carry.
    static constexpr std::size_t largest_datagram = 65'507;

    /// Bound to an IP address of this machine; port 0 takes a free one.
    static udp_socket bind(const address& local, const udp_options& options = {});
    /// The same from a text such as "127.0.0.1" or "::".
    static udp_socket bind(
        std::string_view ip, std::uint16_t port, const udp_options& options = {}
    );
    /// On a free port, connected to `remote`: takes datagrams from there only, and `send` goes there.
    static udp_socket connect(const address& remote, const udp_options& options = {});

    /// One datagram into the caller's memory, which has to stay until it returns.
    /// **cancel:** total: nothing was taken.
    receive_awaitable receive_from(std::span<std::byte> into) noexcept;
    /// One datagram of any size in memory of its own. For many small ones `receive_from` is cheaper.
    /// **cancel:** total.
    task<datagram> receive();
    /// Waits for at least one and takes as many datagrams as there are and as `into` has room for,
    /// `size` bytes for each, with one system call. The n-th is in the n-th part of `into`, the first
    /// `received[n].size` bytes of it. Throws std::invalid_argument if there is no room for one.
    /// **cancel:** total.
    receive_batch_awaitable receive_batch(
        std::span<std::byte> into, std::size_t size, std::vector<udp_received>& received
    );

    /// To where it is connected. Waits while the kernel's buffer is full. The memory has to stay until
    /// it returns. **cancel:** total: nothing was sent.
    send_awaitable send(std::span<const std::byte> data) noexcept;
    send_awaitable send(std::string_view data) noexcept;
    send_awaitable send_to(std::span<const std::byte> data, const address& to) noexcept;
    send_awaitable send_to(std::string_view data, const address& to) noexcept;
    struct outgoing {
        std::span<const std::byte> data;
        const address* to = nullptr;  ///< null: where the socket is connected to
    };
    /// All of these, with as few system calls as it takes. **cancel:** partial: the first ones may have
    /// been sent. An error likewise: its text says how many had been.
    send_batch_awaitable send_batch(std::span<const outgoing> datagrams) noexcept;

    /// Takes what is sent to a group, on the interface with this index (0: the system chooses; for IPv6
    /// the group's scope does if it has one).
    void join_group(const address& group, std::uint32_t interface = 0);
    void leave_group(const address& group, std::uint32_t interface = 0);
    /// Through how many routers a datagram to a group may go: 0 to 255; 1 at first.
    void set_multicast_hops(int hops);
    /// Whether sockets on this machine get what is sent to a group; they do at first.
    void set_multicast_loopback(bool on);
    /// The interface by which datagrams to groups leave; 0: the system chooses.
    void set_multicast_interface(std::uint32_t interface);

    address local_address() const;
    /// Throws std::system_error when it is not connected.
    address remote_address() const;

    bool is_open() const noexcept { return handle_.fd() >= 0; }
    /// Who waits for it gets closed_error, at once. A second time nothing happens. The destructor does
    /// the same.
    void close() noexcept { handle_.close(); }

private:
    explicit udp_socket(owned_fd fd) : handle_(std::move(fd), "udp") {}

    int descriptor(const char* operation) const;
    void set(const char* operation, int v4_option, int v6_option, int value);
    void
    change_group(const char* operation, int v4, int v6, const address& group, std::uint32_t interface);

    detail::poll_handle handle_;
};

/// What `receive_from` gives.
class udp_socket::receive_awaitable final : public detail::poll_operation {
public:
    receive_awaitable(detail::poll_handle& h, std::span<std::byte> into) noexcept
        : poll_operation(h, detail::poll_direction::read, "receive"), into_(into) {}

    udp_received result();

private:
    bool attempt(int fd) noexcept override;

    std::span<std::byte> into_;
    udp_received received_;
};

/// What `receive_batch` gives: how many datagrams there are.
class udp_socket::receive_batch_awaitable final : public detail::poll_operation {
public:
    receive_batch_awaitable(
        detail::poll_handle& h,
        std::span<std::byte> into,
        std::size_t size,
        std::vector<udp_received>& received
    );

    std::size_t result();

private:
    bool attempt(int fd) noexcept override;

    std::span<std::byte> into_;
    std::size_t size_;
    std::vector<udp_received>* received_;
};

/// What `send` and `send_to` give.
class udp_socket::send_awaitable final : public detail::poll_operation {
public:
    send_awaitable(detail::poll_handle& h, std::span<const std::byte> data) noexcept
        : poll_operation(h, detail::poll_direction::write, "send"), data_(data) {}
    send_awaitable(
        detail::poll_handle& h, std::span<const std::byte> data, const address& to
    ) noexcept
        : send_awaitable(h, data) {
        to_ = &to;
    }

    void result() const;

private:
    bool attempt(int fd) noexcept override;

    std::span<const std::byte> data_;
    const address* to_ = nullptr;
};

/// What `send_batch` gives.
class udp_socket::send_batch_awaitable final : public detail::poll_operation {
public:
    send_batch_awaitable(detail::poll_handle& h, std::span<const outgoing> datagrams) noexcept
        : poll_operation(h, detail::poll_direction::write, "send"), datagrams_(datagrams) {}

    void result() const;

private:
    bool attempt(int fd) noexcept override;

    std::span<const outgoing> datagrams_;
    std::size_t sent_ = 0;
};

}  // namespace green
