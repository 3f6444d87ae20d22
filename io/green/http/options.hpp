#pragma once

#include <green/core/time.hpp>
#include <green/http/header_list.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace green::http {

/// Without a limit.
inline constexpr std::size_t unlimited = static_cast<std::size_t>(-1);

/// What one request wants beside its method and URL.
///
///     http::request_options o;
///     o.headers.set("Accept", "text/html");
///     o.timeout = 5s;
///     auto r = co_await http::get("http://www.example.org/", o);
struct request_options {
    request_options();
    request_options(const request_options&);
    request_options(request_options&&) noexcept;
    request_options& operator=(const request_options&);
    request_options& operator=(request_options&&) noexcept;
    ~request_options();

    header_list headers;
    /// What is sent. Its type is the caller's to say, in `Content-Type`.
    std::string body;
    /// From the co_await until the last byte of the body is there: waiting for a place, name, connection,
    /// redirects. Over: http::error with errc::timeout. Counted on the loop's clock.
    std::chrono::nanoseconds timeout = forever;
    /// How many redirects are followed, after which errc::too_many_redirects; 0: none, and the redirect
    /// is the response.
    unsigned max_redirects = 10;
    /// Bytes of the body, after decompression; more is errc::too_large, at the read that would give it.
    std::size_t max_body = unlimited;
    /// A status of 400 or more is an http::error, as of `response::raise_for_status`.
    bool raise_for_status = false;
    /// Asks for a compressed body, and gives it decompressed (gzip, deflate, and what libcurl has
    /// beside these).
    bool decompress = true;
    /// Of a body that comes from a stream: its bytes, if they are known. Without, an HTTP/1.1 body is
    /// sent in chunks, which not all servers take. A stream that gives more or fewer ends the request with
    /// std::invalid_argument.
    std::optional<std::uint64_t> body_size;
};

/// Which versions of HTTP a client speaks.
enum class http_version : std::uint8_t {
    automatic,  ///< HTTP/2 where a TLS server has it, otherwise HTTP/1.1
    http1,  ///< HTTP/1.1 only
    http2,  ///< HTTP/2 only, without TLS too ("prior knowledge")
};

/// What is common to the requests of a client.
struct client_options {
    client_options();
    client_options(const client_options&);
    client_options(client_options&&) noexcept;
    client_options& operator=(const client_options&);
    client_options& operator=(client_options&&) noexcept;
    ~client_options();

    /// Requests that are under way at once, from their start until their body has been read; those above
    /// wait in line. With HTTP/1.1 each has a connection of its own. So many are kept for re-use, too.
    std::size_t max_connections = 100;
    /// The same for each server (scheme, host and port).
    std::size_t max_connections_per_host = unlimited;
    /// Until a connection stands, TLS included; over: http::error with errc::timeout. Always real time.
    std::chrono::milliseconds connect_timeout{30'000};
    http_version version = http_version::automatic;

    /// The server's certificate must be valid, trusted, and for its name.
    bool verify = true;
    /// Trusts the certificates in this PEM file instead of the system's; of a proxy likewise.
    std::string ca_file;
    /// Shows this certificate (PEM), with its key, to servers that ask for one.
    std::string certificate_file;
    std::string key_file;

    /// `http://proxy:3128`, `https://…`, `socks5://…`, `socks5h://…`, with user and password if it wants
    /// them. All but `socks5` look the names of servers up themselves. Empty: none; the environment is
    /// not looked at.
    std::string proxy;
    std::string user_agent;
};

}  // namespace green::http
