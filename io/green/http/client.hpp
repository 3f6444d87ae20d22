#pragma once

#include <green/core/task.hpp>
#include <green/http/error.hpp>
#include <green/http/options.hpp>
#include <green/http/response.hpp>
#include <green/tasks/stream.hpp>

#include <cstddef>
#include <memory>
#include <string>

namespace green {
namespace detail {
class curl_engine;
}  // namespace detail

namespace http {

/// Requests that share connections, limits and settings. `http::get` and its kin use one that every
/// loop has; make your own for another CA file, a proxy or other limits.
///
/// HTTP/1.1 and HTTP/2 over libcurl, which the loop drives: no thread, and no name is looked up but by
/// green's resolver. Connections that a request has ended with are kept for the next. Neither cookies
/// nor a cache: what is asked for is sent.
///
/// A request returns when the header fields have come; the body is read from the response. A status of
/// 400 or more is a response like others, unless the options say otherwise. Redirects are followed (303,
/// and 301 or 302 after POST, with GET); to another server (scheme, host or port) go neither the user and
/// password of the URL nor `Authorization` and `Cookie`.
///
/// Throws http::error (see http::errc), std::invalid_argument for a method that is no token and for a
/// HEAD with a body. Belongs to the loop on which it was made, and closes with it; what is under way when
/// it is destroyed goes on.
/// **order:** first come, first served, where a limit makes requests wait.
///
///     http::client_options o;
///     o.ca_file = "/etc/company/ca.pem";
///     http::client client(o);
///     http::response r = co_await client.get("https://intranet.example/");
///
/// Models: Go's http.Client, aiohttp.ClientSession, requests.Session.
class client {
public:
    /// Throws std::logic_error when no loop runs; std::invalid_argument for a `user_agent` with a control
    /// character in it; http::error with errc::unavailable if green was built without libcurl.
    explicit client(const client_options& options = {});
    client(client&&) noexcept;
    client& operator=(client&&) noexcept;
    ~client();

    /// **cancel:** total before the request has been sent, otherwise *partial*: the server may have got
    /// it, as with any request whose answer nobody sees. Its connection is closed (of HTTP/2: its stream).
    task<response> get(std::string url, request_options options = {});
    /// `options.body` is `body`. **cancel:** as `get`.
    task<response> post(std::string url, std::string body, request_options options = {});
    /// Any method, with `options.body`. **cancel:** as `get`.
    task<response> request(std::string method, std::string url, request_options options = {});
    /// The body is what the stream gives, piece by piece; an empty piece is skipped. It is asked for a
    /// piece when the one before has been sent, and no more once the server has answered with an error.
    /// What it throws ends the request and is thrown here. **cancel:** as `get`; the stream is unwound.
    task<response> request(
        std::string method, std::string url, stream<std::string> body, request_options options = {}
    );

    /// Ends what is under way with closed_error, and closes all connections. Again: nothing happens.
    void close() noexcept;

    /// How many connections were made so far: fewer than requests if some were used again.
    std::size_t connections_made() const noexcept;
    /// Requests that have a place and whose body has not been read to its end.
    std::size_t in_flight() const noexcept;

private:
    std::shared_ptr<detail::curl_engine> engine_;
};

}  // namespace http
}  // namespace green
