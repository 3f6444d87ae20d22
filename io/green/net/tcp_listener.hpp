#pragma once

#include <green/net/detail/accept_operation.hpp>
#include <green/net/listen_options.hpp>
#include <green/net/tcp_stream.hpp>

#include <cstdint>
#include <string_view>
#include <utility>

namespace green {

/// Takes TCP connections. `serve` runs a task for each; this is what it stands on.
///
/// One task may accept at a time; a second gets std::logic_error. Loop-affine: it belongs to the loop on
/// which it was made, and closes with it.
///
///     tcp_listener l = tcp_listener::bind("127.0.0.1", 8080);
///     for (;;) {
///         tcp_stream s = co_await l.accept();
///         spawn(talk, std::move(s));
///     }
///
/// Model: tokio's TcpListener.
class tcp_listener {
public:
    class accept_awaitable;

    /// On an IP address of this machine; port 0 takes a free one. Throws std::system_error:
    /// `listen tcp 127.0.0.1:80: Permission denied`.
    static tcp_listener bind(const address& local, const listen_options& options = {});
    /// The same from a text such as "127.0.0.1" or "::".
    static tcp_listener bind(
        std::string_view ip, std::uint16_t port, const listen_options& options = {}
    );
    /// Takes over a descriptor that listens already: one of `inherited_sockets`. Throws
    /// std::system_error if it is not one.
    static tcp_listener from_descriptor(owned_fd fd);

    /// The next connection. One that its peer has given up meanwhile is left out. Throws
    /// std::system_error when there is no descriptor or no memory for it (EMFILE, ENFILE, ENOBUFS,
    /// ENOMEM): it stays in line, so pause before the next try, as `serve` does.
    /// **cancel:** total: no connection is taken.
    accept_awaitable accept() noexcept;

    using closed_awaitable = detail::closed_operation;
    /// Until it is closed, at once if it is: for who has to do something then. One task at a time.
    /// **cancel:** total.
    closed_awaitable closed() noexcept { return closed_awaitable(handle_); }

    address local_address() const;
    bool is_open() const noexcept { return handle_.fd() >= 0; }
    /// Who waits for it gets closed_error, at once; connections in line are reset. A second time nothing
    /// happens. The destructor does the same.
    void close() noexcept { handle_.close(); }

    /// Of the system, for what is not here; -1 once closed. It remains the listener's.
    int native_handle() const noexcept { return handle_.fd(); }
    /// Closes, but for the descriptor, which is the caller's from now on. None if it was closed.
    owned_fd release() noexcept { return handle_.release(); }

private:
    explicit tcp_listener(owned_fd fd) : handle_(std::move(fd), "tcp") {}

    detail::poll_handle handle_;
};

/// What `accept` gives.
class [[nodiscard]] tcp_listener::accept_awaitable final : public detail::accept_operation {
public:
    explicit accept_awaitable(detail::poll_handle& h) noexcept : accept_operation(h) {}

    tcp_stream result();
};

inline tcp_listener::accept_awaitable tcp_listener::accept() noexcept {
    return accept_awaitable(handle_);
}

}  // namespace green
