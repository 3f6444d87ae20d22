#pragma once

#include <green/core/task.hpp>
#include <green/net/byte_stream.hpp>
#include <green/net/chunk.hpp>
#include <green/net/connect_options.hpp>
#include <green/net/const_buffer.hpp>
#include <green/net/detail/tls_channel.hpp>
#include <green/net/stream_error.hpp>
#include <green/net/tls_context.hpp>
#include <green/net/tls_error.hpp>
#include <green/net/tls_info.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace green {

/// A stream that connects by host and port, as tcp_stream does.
template <class Stream>
concept connecting_stream = byte_stream<Stream> &&
    requires(std::string host, std::uint16_t port, connect_options options) {
        { Stream::connect(host, port, options) } -> awaitable;
        requires std::same_as<
            await_result_t<decltype(Stream::connect(host, port, options))>, Stream>;
    };

/// TLS 1.2 or 1.3 over any byte_stream, which it owns. Reads and writes like a tcp_stream.
///
///     auto s = co_await tls_stream<tcp_stream>::connect("example.org", 443);
///     co_await s.write_all("GET / HTTP/1.0\r\nHost: example.org\r\n\r\n");
///     std::string const status = co_await s.read_until("\r\n", 1000);
///
/// A connection exists once it is verified: there is no way to use one that is not. What the peer wrote
/// last is known to be the last: an end without its close_notify is a tls_error (truncated).
///
/// One task may read and one may write at a time; a second of either kind gets std::logic_error. It
/// belongs to the loop of the stream below. It may be moved, closed and destroyed while somebody waits
/// for it. An idle connection holds no buffers.
///
/// Errors: tls_error; what the stream below throws, as it is; closed_error after `close`. Nothing can be
/// read or written after a tls_error.
///
/// Models: asyncio's SSL transports, tokio-rustls, Go's tls.Conn.
template <byte_stream Stream>
class tls_stream {
public:
    /// Connects and shakes hands: asks for `host` (SNI) and verifies that the certificate is its, or
    /// that of the address if it is one. Names in other scripts are taken in their A-labels.
    /// Throws tls_error, with what is wrong with the certificate in words, and what connecting throws.
    /// **cancel:** total: there is no connection. For a limit of time: `with_timeout`.
    static task<tls_stream> connect(
        std::string host,
        std::uint16_t port,
        tls_context context = tls_context::system_client(),
        connect_options options = {}
    )
        requires connecting_stream<Stream>
    {
        Stream below = co_await Stream::connect(host, port, options);
        std::string const name = host + ':' + std::to_string(port);
        detail::tls_peer peer{std::move(host), name, name};
        co_return co_await open(std::move(below), context, std::move(peer));
    }

    /// The same over a stream that is connected: through a proxy, after STARTTLS, to an address that
    /// the caller has chosen.
    static task<tls_stream> connect(
        Stream below, std::string host, tls_context context = tls_context::system_client()
    ) {
        detail::tls_peer peer{std::move(host), {}, {}};
        co_return co_await open(std::move(below), context, std::move(peer));
    }

    /// The server's side. Give it a limit of time: a client may connect and be silent.
    ///
    ///     auto s = co_await with_timeout(10s, tls_stream<tcp_stream>::accept(std::move(c), web));
    ///
    /// **cancel:** total: there is no connection.
    static task<tls_stream> accept(Stream below, tls_context context) {
        detail::tls_peer peer{{}, "a client", {}};
        if constexpr (requires { below.remote_address().to_string(); })
            peer.label = below.remote_address().to_string();
        co_return co_await open(std::move(below), context, std::move(peer));
    }

    tls_stream(tls_stream&&) noexcept = default;
    tls_stream& operator=(tls_stream&& other) noexcept {
        std::swap(channel_, other.channel_);
        if (this != &other) other.drop();
        return *this;
    }
    /// Closes the stream below without close_notify, so that the peer sees that it was cut. Who waits
    /// gets what that stream throws then.
    ~tls_stream() { drop(); }

    /// Waits for at least one byte and puts what there is into the caller's memory, which has to stay
    /// until it returns. How many; 0 is the peer's close_notify, and for an empty span.
    /// **cancel:** total: no byte is lost.
    task<std::size_t> read_some(std::span<std::byte> into) { return channel().read_some(into); }

    /// The same into a buffer on loan, of which there is none while it waits. Empty at the end.
    /// **cancel:** total.
    task<chunk> read() { return channel().read(); }

    /// Fills all of the caller's memory. An end before that is an end_of_stream_error.
    /// **cancel:** total: what had come is what the next read gets.
    task<> read_exactly(std::span<std::byte> into) { return channel().read_exactly(into); }

    /// All up to and with the delimiter, whose memory has to stay; at most `limit` bytes. Throws
    /// end_of_stream_error, std::system_error with stream_errc::delimiter_not_found, and
    /// std::invalid_argument for an empty delimiter. What had come is what the next read gets.
    /// **cancel:** total.
    task<std::string> read_until(std::string_view delimiter, std::size_t limit) {
        return channel().read_until(delimiter, limit);
    }

    /// Has written all of it to the stream below when it returns. The memory has to stay until then.
    /// **cancel:** terminal: a part may have gone. Later writes throw broken_stream_error; reading
    /// goes on. A timeout is a cancel.
    task<> write_all(std::span<const std::byte> data) { return write_one(channel_, data); }
    task<> write_all(std::string_view text) { return write_one(channel_, text); }
    /// All of these in order. The list has to stay, too.
    task<> write_all(std::span<const const_buffer> list) { return channel().write_all(list); }

    /// Tells the peer that this was all: it reads the end, and may still write.
    /// **cancel:** terminal for writing.
    task<> shutdown_write() { return channel().shutdown_write(); }

    /// Says close_notify, within a second, and closes the stream below. It does not wait for the peer's.
    /// Who waits for the stream gets closed_error. A second time nothing happens.
    /// **cancel:** terminal: it is closed by the destructor at the latest.
    task<> close() { return channel().close(); }

    /// What was agreed on, and who the peer is.
    tls_info info() const { return channel().engine().info(); }

    /// The stream below: for its addresses and options, not to be read or written.
    Stream& transport() { return channel().stream(); }

private:
    using channel_type = detail::tls_channel<Stream>;

    explicit tls_stream(std::shared_ptr<channel_type> channel) noexcept
        : channel_(std::move(channel)) {}

    static task<tls_stream> open(Stream below, tls_context context, detail::tls_peer peer) {
        auto channel = std::make_shared<channel_type>(std::move(below), context, std::move(peer));
        co_await channel->handshake();
        co_return tls_stream(std::move(channel));
    }

    static task<> write_one(std::shared_ptr<channel_type> channel, const_buffer data) {
        co_await require(channel).write_all(std::span<const const_buffer>(&data, 1));
    }

    static channel_type& require(const std::shared_ptr<channel_type>& channel) {
        if (!channel) detail::throw_logic_error("green: this tls_stream was moved from");
        return *channel;
    }
    channel_type& channel() const { return require(channel_); }

    void drop() noexcept {
        if (channel_) channel_->drop();
        channel_.reset();
    }

    std::shared_ptr<channel_type> channel_;
};

}  // namespace green
