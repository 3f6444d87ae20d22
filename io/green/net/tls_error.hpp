#pragma once

#include <green/core/config.hpp>

#include <stdexcept>
#include <string>
#include <string_view>

namespace green {

/// Why a connection was not encrypted, or is no longer to be trusted.
enum class tls_errc {
    expired,  ///< the time of a certificate is over
    not_yet_valid,  ///< the time of a certificate has not begun
    wrong_host,  ///< the certificate is somebody else's
    self_signed,  ///< the certificate, or the root of its chain, is nobody's whom we trust
    unknown_authority,  ///< the chain leads to nobody whom we trust
    revoked,  ///< a certificate was taken back
    no_certificate,  ///< the peer has shown none
    bad_certificate,  ///< anything else that is wrong with the peer's certificates
    refused,  ///< the peer has refused us, with an alert
    no_tls,  ///< the peer does not speak TLS
    no_agreement,  ///< no version, cipher or protocol in common
    truncated,  ///< the connection ended without close_notify: somebody may have cut it
    protocol,  ///< what has arrived breaks the protocol, or was tampered with
    bad_configuration,  ///< a certificate, key or list of our own cannot be used
    unavailable,  ///< green was built without OpenSSL
};

/// The name of the enumerator: "expired", "wrong_host", …
std::string_view to_string(tls_errc code) noexcept;

/// Something about TLS went wrong. What goes wrong below it (a reset, a socket that was closed) is
/// thrown as it is. `what()` names the operation, the peer and the cause:
///
///     tls handshake with example.org: the certificate of example.org expired on 2024-05-01 12:00:00 UTC
///     tls handshake with 10.0.0.1:40312: the peer refused: unknown ca
///     tls read from example.org: the connection ended without close_notify
class tls_error : public std::runtime_error {
public:
    /// `operation` as it stands before the peer, "tls handshake with"; `peer` may be empty.
    tls_error(
        tls_errc code, std::string_view operation, std::string_view peer, std::string_view cause
    );

    tls_errc code() const noexcept { return code_; }
    /// The host or the address as it stands in `what()`; empty when it is about a context.
    const std::string& peer() const noexcept { return peer_; }

private:
    tls_errc code_;
    std::string peer_;
};

}  // namespace green
