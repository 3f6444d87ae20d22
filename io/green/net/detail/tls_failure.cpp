#include <green/net/detail/tls_failure.hpp>

#include <green/net/address.hpp>

#include <array>
#include <cstddef>
#include <ctime>
#include <span>

namespace green::detail {
namespace {

// What a peer sends stands in our texts: neither at any length nor with control characters.
constexpr std::size_t longest_name = 200;
constexpr int most_names = 5;

std::string printable(std::string_view text) {
    std::string out;
    for (char const c : text.substr(0, longest_name)) out += c >= ' ' && c <= '~' ? c : '?';
    if (text.size() > longest_name) out += "...";
    return out;
}

std::string time_text(const ASN1_TIME* time) {
    std::tm parts{};
    if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown date";
    std::array<char, 32> text{};
    std::size_t const size =
        std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
    return {text.data(), size};
}

/// The common name of a certificate, or its whole subject.
std::string owner_of(X509* certificate) {
    const X509_NAME* const subject = X509_get_subject_name(certificate);
    int const index = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
    if (index < 0) return name_text(subject);
    auto const* const text = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, index));
    return printable(
        {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
         static_cast<std::size_t>(ASN1_STRING_length(text))}
    );
}

std::string text_of(const GENERAL_NAME& name) {
    int type = 0;
    auto const* const value = static_cast<const ASN1_STRING*>(GENERAL_NAME_get0_value(&name, &type)
    );
    if (type != GEN_DNS && type != GEN_IPADD) return {};
    auto const* const data = reinterpret_cast<const char*>(ASN1_STRING_get0_data(value));
    std::string_view const bytes(data, static_cast<std::size_t>(ASN1_STRING_length(value)));
    if (type == GEN_DNS) return printable(bytes);
    if (bytes.size() != 4 && bytes.size() != 16) return {};
    return address::from_bytes(std::as_bytes(std::span(bytes))).ip();
}

/// The hosts and addresses that a certificate is for.
std::string hosts_of(X509* certificate) {
    openssl_ptr<GENERAL_NAMES> const names(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)
    ));
    if (!names) return owner_of(certificate);
    std::string text;
    int const count = sk_GENERAL_NAME_num(names.get());
    for (int i = 0; i < count && i < most_names; ++i) {
        std::string const one = text_of(*sk_GENERAL_NAME_value(names.get(), i));
        if (one.empty()) continue;
        if (!text.empty()) text += ", ";
        text += one;
    }
    if (count > most_names) text += ", ...";
    return text.empty() ? "no host" : text;
}

tls_errc code_of_verification(int error) noexcept {
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return tls_errc::expired;
    case X509_V_ERR_CERT_NOT_YET_VALID: return tls_errc::not_yet_valid;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return tls_errc::wrong_host;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return tls_errc::self_signed;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED: return tls_errc::unknown_authority;
    case X509_V_ERR_CERT_REVOKED: return tls_errc::revoked;
    default: return tls_errc::bad_certificate;
    }
}

tls_errc code_of_reason(int reason, bool in_handshake) noexcept {
    if (reason >= SSL_AD_REASON_OFFSET) return tls_errc::refused;
    switch (reason) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return tls_errc::truncated;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return tls_errc::no_certificate;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return tls_errc::no_tls;
    case SSL_R_WRONG_VERSION_NUMBER: return in_handshake ? tls_errc::no_tls : tls_errc::protocol;
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW: return tls_errc::no_agreement;
    default: return tls_errc::protocol;
    }
}

/// `certificate required` of OpenSSL's `tlsv13 alert certificate required`.
std::string text_of_alert(unsigned long error) {
    constexpr std::string_view marker = "alert ";
    const char* const known = ERR_reason_error_string(error);
    std::string_view const reason = known ? known : "";
    if (auto const at = reason.find(marker); at != reason.npos)
        return std::string(reason.substr(at + marker.size()));
    return SSL_alert_desc_string_long(ERR_GET_REASON(error) - SSL_AD_REASON_OFFSET);
}

std::string text_of_reason(tls_errc code, unsigned long error, bool in_handshake) {
    switch (code) {
    case tls_errc::refused: return "the peer refused: " + text_of_alert(error);
    case tls_errc::truncated:
        return in_handshake ? "the peer closed the connection"
                            : "the connection ended without close_notify";
    case tls_errc::no_certificate: return "the peer has shown no certificate";
    case tls_errc::no_tls: return "the peer does not speak TLS";
    default: break;
    }
    const char* const reason = ERR_reason_error_string(error);
    return reason ? reason : "unknown error " + std::to_string(error);
}

}  // namespace

std::string name_text(const X509_NAME* name) {
    return openssl_text([&](BIO* out) {
        X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB);
    });
}

tls_cause certificate_cause(X509_STORE_CTX* refused, std::string_view host) {
    int const error = X509_STORE_CTX_get_error(refused);
    tls_cause cause{code_of_verification(error), {}};
    X509* const certificate = X509_STORE_CTX_get_current_cert(refused);
    if (!certificate) {
        cause.text = X509_verify_cert_error_string(error);
        return cause;
    }
    cause.text = "the certificate of " + owner_of(certificate);
    switch (cause.code) {
    case tls_errc::expired:
        cause.text += " expired on " + time_text(X509_get0_notAfter(certificate));
        break;
    case tls_errc::not_yet_valid:
        cause.text += " is not valid before " + time_text(X509_get0_notBefore(certificate));
        break;
    case tls_errc::wrong_host:
        cause.text += " is not valid for host \"" + std::string(host) + "\", only for " +
            hosts_of(certificate);
        break;
    case tls_errc::self_signed: cause.text += " is self-signed, and not one that is trusted"; break;
    case tls_errc::unknown_authority:
        cause.text += " is of an authority that is not trusted: " +
            name_text(X509_get_issuer_name(certificate));
        break;
    case tls_errc::revoked: cause.text += " has been revoked"; break;
    default: cause.text += ": "; cause.text += X509_verify_cert_error_string(error);
    }
    return cause;
}

tls_cause queued_cause(bool in_handshake) {
    unsigned long const error = ERR_peek_error();
    ERR_clear_error();
    tls_cause cause;
    if (ERR_GET_LIB(error) == ERR_LIB_SSL)
        cause.code = code_of_reason(ERR_GET_REASON(error), in_handshake);
    cause.text = text_of_reason(cause.code, error, in_handshake);
    return cause;
}

}  // namespace green::detail
