#pragma once

#include <green/core/config.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace green {

namespace detail {
class tls_context_state;
}  // namespace detail

/// Versions of TLS. Older ones are broken and not to be had.
enum class tls_version : std::uint8_t { v1_2, v1_3 };

/// What becomes of the certificate of the peer.
enum class tls_verification : std::uint8_t {
    none,  ///< it is not asked for, or not looked at: anybody may be in the middle
    optional,  ///< for servers: a client may show one; a bad one is refused
    required,  ///< without a good one there is no connection
};

/// What the TLS connections of one kind have in common: whom to trust, who we are, which protocols.
///
/// Make one, set it up, and use it for every connection: it remembers sessions, so that the next
/// connection to a host costs half a handshake, and it has read its certificates once. A handle of
/// something shared: copies are the same context. Once it is set up, streams of any loop and thread
/// may use it at once; what is set then is for handshakes that begin later.
///
/// A file is read when it is named, with blocking calls: contexts are made before there is work. PEM
/// is text with `-----BEGIN CERTIFICATE-----` lines. Errors are tls_error (bad_configuration), and
/// std::system_error for a file that cannot be read.
///
///     tls_context const ours = tls_context::client().trust("company-ca.pem");
///     tls_context const web = tls_context::server("chain.pem", "key.pem").set_alpn({"http/1.1"});
///
/// Model: Python's ssl.SSLContext, with the defaults of ssl.create_default_context.
class tls_context {
public:
    /// For connecting: verifies the chain and the host; trusts whom the system trusts. OpenSSL's
    /// SSL_CERT_FILE and SSL_CERT_DIR in the environment replace the system's store.
    static tls_context client();
    /// For accepting: with a chain of certificates, the server's own first, and its private key.
    static tls_context server(const std::string& chain_file, const std::string& key_file);
    /// The same with their text.
    static tls_context server_pem(std::string_view chain, std::string_view key);
    /// The client() of this process for whom nothing is to be set. Do not set anything.
    static const tls_context& system_client();

    /// Who we are: for a server, and for a client that is to show it (mutual TLS). A second call with
    /// a key of another kind, such as RSA beside ECDSA, adds to the first. `password` is for a key
    /// that is encrypted.
    tls_context& use_certificate(
        const std::string& chain_file, const std::string& key_file, std::string_view password = {}
    );
    tls_context& use_certificate_pem(
        std::string_view chain, std::string_view key, std::string_view password = {}
    );

    /// Trusts the authorities in this file, and not the system's.
    tls_context& trust(const std::string& file);
    tls_context& trust_pem(std::string_view authorities);
    /// Trusts whom the system trusts, beside others. Who is told nothing does so too, but reads the
    /// system's store in the first handshake, which can take a tenth of a second.
    tls_context& trust_system();

    /// Certificates that have been taken back (CRLs). From the first on, every authority of a chain
    /// needs a list that is in force, or the chain is refused.
    tls_context& use_revocations(const std::string& file);
    tls_context& use_revocations_pem(std::string_view lists);

    /// A client begins with `required`, a server with `none`.
    tls_context& set_verification(tls_verification what);
    /// TLS 1.2 at first.
    tls_context& set_minimum_version(tls_version version);
    /// The protocols that are spoken inside, such as "h2", best first. A server takes the first of its
    /// own that the client offers, and refuses a client that offers none of them; one that offers
    /// nothing at all is let in. Throws std::invalid_argument for a name that is empty or longer than 255.
    tls_context& set_alpn(const std::vector<std::string>& protocols);

    /// Sessions that wait to be resumed, of a client.
    std::size_t session_count() const;

private:
    friend class detail::tls_context_state;
    explicit tls_context(std::shared_ptr<detail::tls_context_state> state) noexcept;

    std::shared_ptr<detail::tls_context_state> state_;
};

}  // namespace green
