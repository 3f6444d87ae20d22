#pragma once

// Whom the tests of TLS trust, and two contexts that get on with each other.

#include <green/net/tls_context.hpp>
#include <green/net/tls_error.hpp>
#include <green/testing/certificates.hpp>

#include <string>

namespace green_test {

/// The authority of all of these tests: made once.
inline green::testing::certificate_authority& test_authority() {
    static green::testing::certificate_authority ca;
    return ca;
}

inline const green::testing::certificate& localhost_certificate() {
    static auto const made = test_authority().issue({"localhost", "127.0.0.1", "::1"});
    return made;
}

inline green::tls_context server_context() {
    auto const& mine = localhost_certificate();
    return green::tls_context::server_pem(mine.chain, mine.key);
}

inline green::tls_context client_context() {
    return green::tls_context::client().trust_pem(test_authority().pem());
}

/// `code: what()` of what `f` throws.
template <class F>
std::string tls_error_of(F f) {
    try {
        f();
    } catch (const green::tls_error& e) {
        return std::string(to_string(e.code())) + ": " + e.what();
    }
    return "no error";
}

}  // namespace green_test
