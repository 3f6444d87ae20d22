#pragma once

#include <green/net/detail/accept_operation.hpp>
#include <green/net/unix_stream.hpp>

#include <cstdint>
#include <optional>
#include <utility>

namespace green {

/// How a `unix_listener` is opened.
struct unix_listen_options {
    /// How many connections may wait to be accepted; the system may allow fewer (net.core.somaxconn).
    int backlog = 4096;
    /// Who may connect: the permissions of the socket's file, less the process's umask. 0600: its owner.
    std::uint32_t permissions = 0777;
    /// A file that was left by a listener that is gone is replaced.
    bool replace = true;
};

/// Takes connections of this machine, at a path or at an abstract name.
///
/// One task may accept at a time; a second gets std::logic_error. Loop-affine: it belongs to the loop on
/// which it was made, and closes with it. The file of a path goes with the listener.
///
///     unix_listener l = unix_listener::bind(address::parse("/run/x.sock"));
///     unix_stream s = co_await l.accept();
class unix_listener {
public:
    class accept_awaitable;

    /// Throws std::system_error: `listen unix /run/x.sock: Address already in use`.
    static unix_listener bind(const address& local, const unix_listen_options& options = {});
    /// Takes over a descriptor that listens already: one of `inherited_sockets`. The file stays when it
    /// closes. Throws std::system_error if it is not one.
    static unix_listener from_descriptor(owned_fd fd);

    unix_listener(unix_listener&& other) noexcept;
    unix_listener& operator=(unix_listener&& other) noexcept;
    ~unix_listener() { close(); }

    /// The next connection. Errors as those of `tcp_listener::accept`.
    /// **cancel:** total: no connection is taken.
    accept_awaitable accept() noexcept;

    using closed_awaitable = detail::closed_operation;
    /// Until it is closed, at once if it is. One task at a time. **cancel:** total.
    closed_awaitable closed() noexcept { return closed_awaitable(handle_); }

    address local_address() const;
    bool is_open() const noexcept { return handle_.fd() >= 0; }
    /// Who waits for it gets closed_error, at once. A second time nothing happens. The destructor does
    /// the same.
    void close() noexcept;

    /// Of the system, for what is not here; -1 once closed. It remains the listener's.
    int native_handle() const noexcept { return handle_.fd(); }
    /// Closes, but for the descriptor, which is the caller's from now on; the file stays, too. None if it
    /// was closed.
    owned_fd release() noexcept {
        file_.reset();
        return handle_.release();
    }

private:
    struct socket_file {
        address path;
        std::uint64_t device;
        std::uint64_t inode;
    };

    explicit unix_listener(owned_fd fd) : handle_(std::move(fd), "unix") {}
    void remove_file() noexcept;

    detail::poll_handle handle_;
    std::optional<socket_file> file_;
};

/// What `accept` gives.
class [[nodiscard]] unix_listener::accept_awaitable final : public detail::accept_operation {
public:
    explicit accept_awaitable(detail::poll_handle& h) noexcept : accept_operation(h) {}

    unix_stream result() { return unix_stream(take("unix")); }
};

inline unix_listener::accept_awaitable unix_listener::accept() noexcept {
    return accept_awaitable(handle_);
}

}  // namespace green
