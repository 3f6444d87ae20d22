#pragma once

// Internal: to take a connection, of whichever kind.

#include <green/net/address.hpp>
#include <green/net/detail/poll_handle.hpp>

namespace green::detail {

class accept_operation : public poll_operation {
protected:
    explicit accept_operation(poll_handle& h) noexcept
        : poll_operation(h, poll_direction::read, "accept") {}
    /// Before it is awaited only.
    accept_operation(const accept_operation& o) noexcept : poll_operation(o) {}
    ~accept_operation() = default;

    /// The stream of the connection.
    poll_handle take(const char* kind);

private:
    bool attempt(int fd) noexcept override;
    bool accept_one(int listener) noexcept;

    owned_fd fd_;
    address peer_;
};

/// Until the handle is closed.
class [[nodiscard]] closed_operation final : public poll_operation {
public:
    explicit closed_operation(poll_handle& h) noexcept
        : poll_operation(h, poll_direction::close, "the close of") {}

    bool ready() { return closed() || poll_operation::ready(); }
    void result() const noexcept {}

private:
    bool attempt(int) noexcept override { return false; }
};

}  // namespace green::detail
