#pragma once

#include <green/core/task.hpp>
#include <green/net/connect_options.hpp>
#include <green/net/descriptor_stream.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace green {

/// A TCP connection. What it reads and writes, and how: descriptor_stream.
///
///     tcp_stream s = co_await tcp_stream::connect(address::parse("127.0.0.1:7"));
///     co_await s.write_all("hello\n");
///     std::string const line = co_await s.read_until("\n", 1000);
///
/// Models: tokio's TcpStream, asyncio's streams.
class tcp_stream : public descriptor_stream {
public:
    /// To one address. Throws std::system_error: `connect tcp 127.0.0.1:5432: Connection refused`.
    /// **cancel:** total: there is no connection.
    static task<tcp_stream> connect(address remote, connect_options options = {});

    /// To a host, by name or IP address. With several addresses it takes the one that answers first:
    /// they are tried one after the other, IPv6 and IPv4 in turns, each 250 ms after the one before or
    /// as soon as that has failed (RFC 8305, "Happy Eyeballs"). When it returns, all others are closed.
    ///
    /// Throws connect_error, a std::system_error that lists every address with its cause; dns_error when
    /// there is no address; timeout_error, with a list of the same kind, after `options.timeout`.
    /// **cancel:** total: nothing is open, no lookup waited for.
    ///
    ///     tcp_stream s = co_await tcp_stream::connect("www.example.org", 443);
    ///
    /// Models: asyncio.open_connection with happy_eyeballs_delay, Go's net.Dialer.
    static task<tcp_stream> connect(
        std::string host, std::uint16_t port, connect_options options = {}
    );

    /// Takes over the descriptor of a connection. Throws std::system_error if it is not one.
    static tcp_stream from_descriptor(owned_fd fd);

    address local_address() const { return local_address_or_throw(); }
    /// Also when the peer is gone, and when the stream is closed.
    address remote_address() const { return remote_address_or_throw(); }

    /// Small writes go at once instead of waiting for the answer to earlier ones; they do at first.
    void set_nodelay(bool on);
    /// Empty: no probes, as it is at first.
    void set_keep_alive(const std::optional<keep_alive>& probes);
    /// How long what was written may go without an acknowledgement before the peer counts as gone, in
    /// whole milliseconds: who waits for the stream gets a disconnected_error (timed_out). Also a peer that
    /// is there but does not read is gone then. Keep-alive is for a silent connection only, and with both
    /// this says after how much silence the peer is gone (TCP_USER_TIMEOUT, RFC 5482). Empty: as long as
    /// TCP tries, on Linux a quarter of an hour, as it is at first.
    void set_user_timeout(std::optional<std::chrono::milliseconds> limit);
    /// How long the kernel keeps trying to deliver what was written when the stream has been closed, in
    /// whole seconds; 0 makes `close` a reset. Empty: as long as TCP does, as it is at first. With more
    /// than 0 seconds Linux keeps the thread of who closes waiting for so long, and with it the loop:
    /// for a program that is about to end.
    void set_linger(std::optional<std::chrono::seconds> limit);
    /// Bytes; the kernel doubles it, within its limits, and says in `receive_buffer` what it has taken.
    void set_receive_buffer(int bytes);
    void set_send_buffer(int bytes);
    int receive_buffer() const;
    int send_buffer() const;

    /// Closes so that the peer gets an error, "connection reset", and what was not sent is thrown away.
    void reset() noexcept;

private:
    friend class tcp_listener;
    explicit tcp_stream(detail::poll_handle handle) noexcept
        : descriptor_stream(std::move(handle)) {}
};

}  // namespace green
