#pragma once

#include <green/net/byte_stream.hpp>
#include <green/net/stream_error.hpp>
#include <green/sync/event.hpp>
#include <green/tasks/task_group.hpp>

#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace green {
namespace detail {

struct protocol_driver;

}  // namespace detail

/// What a protocol writes to: never waits, keeps what has not gone yet. Belongs to the connection, and
/// is there from `on_connect` to `on_close`.
class transport {
public:
    transport() = default;
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    /// Copied. Nothing after `close`.
    void write(std::string_view text) {
        if (closing_) return;
        out_ += text;
        changed_.set();
    }
    void write(std::span<const std::byte> data) {
        write({reinterpret_cast<const char*>(data.data()), data.size()});
    }

    /// Ends the connection when all that was written has gone. No `on_data` comes any more.
    void close() {
        closing_ = true;
        changed_.set();
    }

    /// Bytes that have not gone to the kernel. Above `high_water` nothing is read, so a peer that does
    /// not take its answers cannot fill the memory with them.
    std::size_t pending() const noexcept { return out_.size() + in_flight_; }
    static constexpr std::size_t high_water = 64 * 1024;

private:
    friend detail::protocol_driver;

    void broken_by_current_exception() noexcept {
        if (!broken_) broken_ = std::current_exception();
    }

    std::string out_;
    std::size_t in_flight_ = 0;
    bool closing_ = false;
    std::exception_ptr broken_;
    event changed_;  // there is something to write, or the end
    event writable_;  // not above high_water
};

/// A protocol in the callback design: an object that is called with what comes. Every call returns at
/// once. It may also have `on_connect(transport&)`, called first, and `on_close(std::exception_ptr)`,
/// called last: null, or why the connection broke.
template <class P>
concept callback_protocol = requires(P& p, transport& t, std::span<const std::byte> data) {
    p.on_data(t, data);
};

namespace detail {

struct protocol_driver {
    static std::exception_ptr broken(const transport& out) noexcept { return out.broken_; }

    template <class S, class P>
    static task<> drive(S& stream, P& protocol, transport& out) {
        auto const body = [&](task_group& group) -> task<> {
            group.spawn(write_out(stream, out, group));
            co_await read_in(stream, protocol, out);
        };
        co_await with_group(body);
    }

    template <class S, class P>
    static task<> read_in(S& stream, P& protocol, transport& out) {
        while (!out.closing_) {
            while (out.pending() > transport::high_water) {
                out.writable_.clear();
                co_await out.writable_.wait();
            }
            chunk data;
            try {
                data = co_await stream.read();
            } catch (const std::exception&) {
                out.broken_by_current_exception();
            }
            if (data.empty()) break;
            protocol.on_data(out, std::span<const std::byte>(data));
        }
        out.close();
    }

    /// Ends when all has gone after `close`, and the reading with it.
    template <class S>
    static task<> write_out(S& stream, transport& out, task_group& group) {
        try {
            co_await write_until_closed(stream, out);
        } catch (const std::exception&) {
            out.broken_by_current_exception();
        }
        group.cancel("the connection is closed");
    }

    template <class S>
    static task<> write_until_closed(S& stream, transport& out) {
        for (;;) {
            while (out.out_.empty() && !out.closing_) {
                out.changed_.clear();
                co_await out.changed_.wait();
            }
            if (out.out_.empty()) break;
            std::string const batch = std::exchange(out.out_, {});
            out.in_flight_ = batch.size();
            co_await stream.write_all(std::as_bytes(std::span(batch)));
            out.in_flight_ = 0;
            out.writable_.set();
        }
        co_await stream.shutdown_write();
    }
};

}  // namespace detail

/// Drives a protocol by a connection until either side has ended it: what callback libraries have
/// inside. A connection that breaks is no error here, `on_close` is told; what a callback throws is, and
/// ends the connection. **cancel:** the connection is closed; `on_close` is not called, for a cancelled
/// task is unwound: what must happen then belongs into the protocol's destructor.
///
///     struct echo {
///         void on_data(transport& t, std::span<const std::byte> data) { t.write(data); }
///     };
///     co_await serve(listener, [](tcp_stream peer) -> task<> {
///         echo protocol;
///         co_await drive_protocol(std::move(peer), protocol);
///     });
///
/// For people who come from callbacks, and for protocols that exist as such. As a task the same is a
/// loop with local variables, and needs neither the copy nor the buffers. Model: asyncio.Protocol.
template <byte_stream S, callback_protocol P>
    requires chunk_source<S>
task<> drive_protocol(S stream, P& protocol) {
    transport out;
    if constexpr (requires { protocol.on_connect(out); }) protocol.on_connect(out);
    co_await detail::protocol_driver::drive(stream, protocol, out);
    if constexpr (requires { protocol.on_close(std::exception_ptr()); }) {
        protocol.on_close(detail::protocol_driver::broken(out));
    }
}

}  // namespace green
