#pragma once

#include <green/net/address.hpp>

#include <uv.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <vector>

namespace green::testing::detail {

/// Whom a query came from, and how: where its reply goes. Does nothing once the listener is closed.
class dns_peer {
public:
    virtual ~dns_peer() = default;
    /// A full socket loses the packet, as a network does.
    virtual void send(std::span<const std::byte> packet) = 0;
    /// A packet in pieces of one byte, or only its first half. TCP only.
    virtual void send_in_pieces(std::span<const std::byte> packet) = 0;
    virtual void send_half(std::span<const std::byte> packet) = 0;
    virtual void hang_up() = 0;
    virtual bool tcp() const noexcept = 0;
};

/// The sockets of a `dns_server`: UDP and TCP on one port. Its handles do not keep the loop alive.
class dns_listener final : public std::enable_shared_from_this<dns_listener> {
public:
    using handler = std::function<void(std::span<const std::byte>, std::shared_ptr<dns_peer>)>;

    /// Binds to `where`; port 0 is any free one. Throws std::system_error.
    dns_listener(uv_loop_t* loop, const address& where, handler on_query);

    /// From now on queries are handled, until `close`. The object lives on until the last handle is
    /// closed.
    void open();
    void close();
    bool closed() const noexcept { return closed_; }

    uv_loop_t* loop() const noexcept { return loop_; }
    const address& where() const noexcept { return where_; }
    std::size_t connections() const noexcept { return accepted_; }

private:
    class udp_peer;
    class tcp_peer;

    static void give_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buf);
    static void on_input(uv_stream_t* stream, ssize_t size, const uv_buf_t* buf);
    void on_datagram(std::span<const std::byte> packet, const sockaddr* from);
    void on_connection();
    void one_closed();

    uv_loop_t* loop_;
    address where_;
    handler on_query_;
    int udp_fd_ = -1;
    int tcp_fd_ = -1;
    uv_udp_t udp_;
    uv_tcp_t listener_;
    std::set<tcp_peer*> peers_;
    std::shared_ptr<dns_listener> self_;  // until the last handle is closed
    std::size_t handles_ = 0;
    std::size_t accepted_ = 0;
    bool closed_ = false;
    std::array<char, 65536> buffer_;
};

}  // namespace green::testing::detail
