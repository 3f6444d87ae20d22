#pragma once

#include <green/net/detail/poll_handle.hpp>

namespace green::detail {

/// Waits until a connection that is being made has been made, or not.
class connect_operation final : public poll_operation {
public:
    explicit connect_operation(poll_handle& h) noexcept
        : poll_operation(h, poll_direction::write, "connect") {}

    void result() const { check(); }

private:
    bool attempt(int fd) noexcept override;

    bool asked_ = false;
};

}  // namespace green::detail
