#pragma once

// System calls, and operator new, that fail when a test wants them to. The functions of this program
// stand before those of the C library, also for green and libuv in libraries of their own, so no other
// program is needed.

#include "support/own_new.hpp"

#include <string_view>

namespace green_test {

/// While it lives, the n-th call (from 0) of this thread of a function fails with this errno, and is not
/// made. One at a time.
class failing_call {
public:
    /// Of static storage: socket, connect, accept4, recv, send, sendmsg, shutdown, setsockopt,
    /// getsockopt, getsockname, getpeername, or, with GREEN_TEST_OWN_NEW, new of 10 000 bytes or more:
    /// std::bad_alloc.
    failing_call(std::string_view function, int n, int error);
    ~failing_call();
    failing_call(const failing_call&) = delete;
    failing_call& operator=(const failing_call&) = delete;

    /// It has come to the n-th call.
    bool has_failed() const noexcept { return left_ < 0; }

    /// For the functions: the errno, or 0 for a call that is to be made.
    static int error_of(std::string_view function) noexcept;

private:
    std::string_view function_;
    int left_;
    int error_;
};

}  // namespace green_test
