#pragma once

// How the tests of the HTTP client ask, and what their servers answer.

#include "net/http_server.hpp"
#include "net/streams.hpp"

#include <green/http/http.hpp>
#include <green/loop/sleep.hpp>

#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace green_test {

/// How a request, and reading all of it, went: the page, or the text of the error.
inline green::task<std::string> outcome(std::string url, green::http::request_options o = {}) {
    try {
        green::http::response r = co_await green::http::get(std::move(url), std::move(o));
        co_return co_await r.text();
    } catch (const std::exception& e) {
        co_return e.what();
    }
}

/// How it failed; none if it did not.
inline green::task<std::optional<green::http::errc>> failure(
    std::string url, green::http::request_options o = {}
) {
    try {
        green::http::response r = co_await green::http::get(std::move(url), std::move(o));
        co_await r.text();
    } catch (const green::http::error& e) {
        co_return e.code();
    }
    co_return std::nullopt;
}

inline green::task<std::string> page(green::http::client& client, std::string url) {
    green::http::response r = co_await client.get(std::move(url));
    co_return co_await r.text();
}

inline green::task<std::string> body_of(green::http::response& r) {
    try {
        co_return co_await r.text();
    } catch (const std::exception& e) {
        co_return e.what();
    }
}

/// What it was sent, and how.
inline green::task<> echo_request(http_site&, green::tcp_stream& s, const http_seen& request) {
    std::string const response = http_ok(request.method + ' ' + request.body);
    co_await s.write_all(response);
}

/// Never says anything.
inline green::task<> silence(http_site&, green::tcp_stream& s, const http_seen&) {
    co_await read_all(s);
    throw std::runtime_error("the client has gone");
}

/// A body without an end; counts what goes.
inline green::task<> flood(http_site& server, green::tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\n\r\n");
    std::string const piece(100'000, 'x');
    for (;;) {
        co_await s.write_all(piece);
        server.sent += piece.size();
    }
}

/// A body in three parts with pauses.
inline green::task<> slowly(http_site&, green::tcp_stream& s, const http_seen&) {
    co_await s.write_all("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    for (const char* part : {"one", "two", "six"}) {
        co_await green::sleep_for(1s);
        co_await s.write_all(std::string_view(part));
    }
}

/// Until nobody is connected: the other side learns of an end only from the network.
inline green::task<> all_gone(http_server& server) {
    while (server.open() > 0) co_await green::sleep_for(100ms);
}

}  // namespace green_test
