#include <green/net/tls_error.hpp>

namespace green {

std::string_view to_string(tls_errc code) noexcept {
    switch (code) {
    case tls_errc::expired: return "expired";
    case tls_errc::not_yet_valid: return "not_yet_valid";
    case tls_errc::wrong_host: return "wrong_host";
    case tls_errc::self_signed: return "self_signed";
    case tls_errc::unknown_authority: return "unknown_authority";
    case tls_errc::revoked: return "revoked";
    case tls_errc::no_certificate: return "no_certificate";
    case tls_errc::bad_certificate: return "bad_certificate";
    case tls_errc::refused: return "refused";
    case tls_errc::no_tls: return "no_tls";
    case tls_errc::no_agreement: return "no_agreement";
    case tls_errc::truncated: return "truncated";
    case tls_errc::protocol: return "protocol";
    case tls_errc::bad_configuration: return "bad_configuration";
    case tls_errc::unavailable: return "unavailable";
    }
    return "unknown";
}

namespace {

std::string sentence(std::string_view operation, std::string_view peer, std::string_view cause) {
    std::string text(operation);
    if (!peer.empty()) {
        text += ' ';
        text += peer;
    }
    text += ": ";
    text += cause;
    return text;
}

}  // namespace

tls_error::tls_error(
    tls_errc code, std::string_view operation, std::string_view peer, std::string_view cause
)
    : std::runtime_error(sentence(operation, peer, cause)), code_(code), peer_(peer) {}

}  // namespace green
