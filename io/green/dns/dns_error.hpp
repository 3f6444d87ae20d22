#pragma once

#include <green/core/config.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace green {

/// Why a name has no answer.
enum class dns_errc : std::uint8_t {
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

/// What a dns_error says beside its code and the host.
struct dns_error_details {
    std::string_view type{};  ///< of the record, "MX"; empty: addresses
    std::string_view server{};  ///< one server, or several, separated by ", "
    std::string_view reason{};  ///< in words
    unsigned tries = 0;
};

/// A lookup failed. `what()` names the host, the reason and the servers that were asked:
///
///     resolve no.such.example: not_found (server 127.0.0.1:5353)
///     resolve slow.example: timeout after 3 tries (servers 10.0.0.1:53, 10.0.0.2:53)
///     resolve MX of example.org: no_data (server 127.0.0.1:5353)
///     resolve a..b: bad_name (empty label)
class dns_error : public std::runtime_error {
public:
    /// The host is shortened and escaped in `what()` only.
    dns_error(dns_errc code, std::string_view host, const dns_error_details& details = {});

    dns_errc code() const noexcept { return code_; }
    const std::string& host() const noexcept { return host_; }

    /// The type of the records that were asked for, such as "MX"; empty: addresses.
    const std::string& type() const noexcept { return type_; }

    /// Who answered, or who was asked; empty when nothing was sent.
    const std::string& server() const noexcept { return server_; }

    /// How often somebody was asked until there was an answer or time was over.
    unsigned tries() const noexcept { return tries_; }

private:
    dns_errc code_;
    unsigned tries_;
    std::string host_;
    std::string type_;
    std::string server_;
};

}  // namespace green
