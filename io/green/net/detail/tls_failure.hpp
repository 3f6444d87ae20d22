#pragma once

// Internal: what OpenSSL says of a failure, in the words of tls_error.

#include <green/net/detail/openssl.hpp>
#include <green/net/tls_error.hpp>

#include <string>
#include <string_view>

namespace green::detail {

struct tls_cause {
    tls_errc code = tls_errc::protocol;
    std::string text;
};

/// What is wrong with a certificate that was refused. `host` is whom it should have been of.
tls_cause certificate_cause(X509_STORE_CTX* refused, std::string_view host);

/// The errors in this thread's queue, which is cleared.
tls_cause queued_cause(bool in_handshake);

/// `CN=worker 7,O=Example`, with what cannot be printed escaped.
std::string name_text(const X509_NAME* name);

}  // namespace green::detail
