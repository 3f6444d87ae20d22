#pragma once

// Internal: what is behind a tls_context.

#include <green/net/detail/openssl.hpp>
#include <green/net/detail/tls_session_cache.hpp>
#include <green/net/tls_context.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

class tls_context_state {
public:
    explicit tls_context_state(bool server);
    tls_context_state(const tls_context_state&) = delete;
    tls_context_state& operator=(const tls_context_state&) = delete;

    static const std::shared_ptr<tls_context_state>& of(const tls_context& c) { return c.state_; }
    static tls_context make(bool server);

    SSL_CTX* ssl() const noexcept { return ssl_.get(); }
    bool server() const noexcept { return server_; }
    tls_verification verification() const noexcept { return verification_; }
    tls_session_cache& sessions() noexcept { return sessions_; }

    // `where` stands in the errors: a file or "the text".
    void use_certificate(
        std::string_view chain,
        std::string_view chain_where,
        std::string_view key,
        std::string_view key_where,
        std::string_view password
    );
    void trust(std::string_view authorities, std::string_view where);
    void trust_system();
    /// Before a handshake: whom the system trusts, unless somebody else is to be trusted.
    void trust_somebody();
    void use_revocations(std::string_view lists, std::string_view where);
    void set_verification(tls_verification what);
    void set_minimum_version(tls_version version);
    void set_alpn(const std::vector<std::string>& protocols);

private:
    static int select_alpn(
        SSL*,
        const unsigned char** out,
        unsigned char* out_size,
        const unsigned char* offered,
        unsigned offered_size,
        void* self
    ) noexcept;

    bool server_;
    std::once_flag system_read_;
    bool trusts_somebody_ = false;
    tls_verification verification_;
    openssl_ptr<SSL_CTX> ssl_;
    std::string alpn_;  // as on the wire: each name behind a byte with its size
    tls_session_cache sessions_;
};

/// Called by OpenSSL for a session that a client may resume later; see tls_engine.
int keep_session(SSL* ssl, SSL_SESSION* session) noexcept;

}  // namespace green::detail
