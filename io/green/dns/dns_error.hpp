#pragma once

#include <green/core/config.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace green {

/// Why a name has no answer.
enum class dns_errc {
    not_found,  ///< the name does not exist (NXDOMAIN)
    no_data,  ///< the name exists and has no record of this type
    timeout,  ///< no server answered in time
    server_failure,  ///< the server could not answer: SERVFAIL, FORMERR, NOTIMP, …
    refused,  ///< the server does not answer for us (REFUSED)
    bad_name,  ///< not a host name; nothing was sent
    bad_answer,  ///< the answer cannot be read
    no_servers,  ///< no server is configured, or none can be reached
};

/// The name of the enumerator: "not_found", "timeout", …
std::string_view to_string(dns_errc code) noexcept;

/// A lookup failed. `what()` names the host, the reason and the servers that were asked:
///
///     resolve no.such.example: not_found (server 127.0.0.1:5353)
///     resolve slow.example: timeout after 3 tries (servers 10.0.0.1:53, 10.0.0.2:53)
///     resolve a..b: bad_name (empty label)
class dns_error : public std::runtime_error {
public:
    /// `server` names one server or several, separated by ", "; `reason` is said in brackets;
    /// `tries` is said when it is not 0. The host is shortened and escaped in `what()` only.
    dns_error(
        dns_errc code,
        std::string_view host,
        std::string_view server = {},
        std::string_view reason = {},
        unsigned tries = 0
    );

    dns_errc code() const noexcept { return code_; }
    const std::string& host() const noexcept { return host_; }

    /// Who answered, or who was asked; empty when nothing was sent.
    const std::string& server() const noexcept { return server_; }

private:
    dns_errc code_;
    std::string host_;
    std::string server_;
};

}  // namespace green
