#pragma once

#include <green/core/config.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace green::http {

/// Why a request has no response, or not a whole one.
enum class errc {
    bad_url,  ///< not an http or https URL; nothing was sent
    no_address,  ///< the name of the server, or of the proxy, has no address
    connect_failed,  ///< no address of the server takes a connection
    tls_failed,  ///< no secure connection, or a certificate that is not trusted
    proxy_failed,  ///< the proxy refused a tunnel
    timeout,  ///< the limit of time ran out
    connection_lost,  ///< the connection ended before the response did
    bad_response,  ///< what came is not HTTP, or its headers are too large
    too_large,  ///< the body is larger than was allowed
    too_many_redirects,  ///< more than request_options::max_redirects
    cannot_resend,  ///< a redirect wants a body again that was read from a stream
    bad_status,  ///< 400 or more, for who asked to be told: response::raise_for_status
    unavailable,  ///< green was built without libcurl
    failed,  ///< anything else; the text says what
};

/// The name of the enumerator: "bad_url", "timeout", …
std::string_view to_string(errc code) noexcept;

/// A request failed. `what()` says what was done, the URL without user and password, and the cause:
///
///     GET http://127.0.0.1:1/: connect: Connection refused
///     GET https://expired.example/: SSL certificate problem: certificate has expired
///     GET http://no.such.example/: resolve no.such.example: not_found (server 127.0.0.1:53)
///
/// but of `bad_status` it is what urllib.request has: `HTTP Error 403: Forbidden`.
class error : public std::runtime_error {
public:
    error(
        errc code,
        std::string_view method,
        std::string_view url,
        std::string_view cause,
        std::error_code system = {}
    );
    /// One of `bad_status`.
    error(std::string_view method, std::string_view url, int status, std::string_view reason);

    errc code() const noexcept { return code_; }
    const std::string& method() const noexcept { return method_; }
    const std::string& url() const noexcept { return url_; }
    /// The cause alone, in words.
    const std::string& cause() const noexcept { return cause_; }
    /// Of `bad_status`: the status, 400 to 599; otherwise 0.
    int status() const noexcept { return status_; }
    /// What the system said, if it said anything: of `connect_failed`, connection refused.
    std::error_code system() const noexcept { return system_; }

private:
    errc code_;
    int status_ = 0;
    std::error_code system_;
    std::string method_;
    std::string url_;
    std::string cause_;
};

}  // namespace green::http
