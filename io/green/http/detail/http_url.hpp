#pragma once

// Internal: URLs, by libcurl's parser, so that green and libcurl are of one mind about them.

#include <cstdint>
#include <string>

namespace green::detail {

/// An absolute http or https URL.
struct http_url {
    std::string text;  // without user, password and fragment
    std::string scheme;  // in lower case
    std::string host;  // a name in ASCII, an IPv4 address, or an IPv6 address without brackets
    std::uint16_t port = 0;
    std::string user;
    std::string password;

    bool secure() const noexcept { return scheme == "https"; }
    /// `http://www.example.org:80`
    std::string origin() const;
};

/// Throws http::error with errc::bad_url, which names `method`. With `base`, `text` may be relative.
http_url parse_http_url(
    const std::string& method, const std::string& text, const http_url* base = nullptr
);

/// The host and port of a proxy.
struct proxy_place {
    std::string host;
    std::uint16_t port = 0;
    bool resolves = true;  // looks the names of servers up itself
};
proxy_place parse_proxy(const std::string& text);

}  // namespace green::detail
