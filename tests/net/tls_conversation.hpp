#pragma once

// The same conversation over TLS.

#include "net/conversation.hpp"
#include "net/tls_fixture.hpp"

#include <green/net/tls_stream.hpp>

#include <exception>
#include <utility>

namespace green_test {

/// Over unix sockets: small windows of TCP wait for its timers.
struct over_tls : over_unix {
    using stream = green::tls_stream<green::unix_stream>;

    green::task<> server() {
        static green::tls_context const context = server_context();
        green::unix_stream below = co_await accepted();
        stream s = co_await stream::accept(std::move(below), context);
        co_await answer(std::move(s));
    }
    green::task<> client(green::address where) {
        static green::tls_context const context = client_context();
        green::unix_stream below = co_await connected(where);
        stream s = co_await stream::connect(std::move(below), "localhost", context);
        co_await converse(std::move(s));
    }
};

/// Whether it is the error of somebody whose peer has gone without a word.
inline bool is_about_a_cut(const std::exception& e) {
    auto const* const error = dynamic_cast<const green::tls_error*>(&e);
    return error && error->code() == green::tls_errc::truncated;
}

}  // namespace green_test
