#include <green/net/detail/tls_context_state.hpp>

#include <green/net/tls_error.hpp>

#include <limits>
#include <stdexcept>
#include <utility>

namespace green::detail {
namespace {

[[noreturn]] void refuse(
    std::string_view operation, std::string_view where, std::string_view cause
) {
    ERR_clear_error();
    throw tls_error(tls_errc::bad_configuration, operation, where, cause);
}

openssl_ptr<BIO> reader_of(std::string_view text) {
    if (text.size() > std::numeric_limits<int>::max()) throw std::bad_alloc();
    return openssl_ptr<BIO>(
        openssl_require(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())))
    );
}

/// Instead of OpenSSL's own, which asks on the terminal.
int give_password(char* into, int size, int, void* password) noexcept {
    auto const& given = *static_cast<const std::string_view*>(password);
    if (size < 0 || given.size() > static_cast<std::size_t>(size)) return -1;
    given.copy(into, given.size());
    return given.empty() ? -1 : static_cast<int>(given.size());
}

std::string_view no_password;

X509* read_one(BIO* text, X509*) {
    return PEM_read_bio_X509(text, nullptr, give_password, &no_password);
}
X509_CRL* read_one(BIO* text, X509_CRL*) {
    return PEM_read_bio_X509_CRL(text, nullptr, give_password, &no_password);
}

/// All objects of a kind in a PEM text, at least one.
template <class Object>
std::vector<openssl_ptr<Object>> read_all(
    std::string_view pem, std::string_view operation, std::string_view where
) {
    auto const text = reader_of(pem);
    std::vector<openssl_ptr<Object>> all;
    ERR_clear_error();
    while (Object* const one = read_one(text.get(), static_cast<Object*>(nullptr)))
        all.emplace_back(one);
    // That no other one begins is how it ends.
    auto const error = ERR_peek_last_error();
    bool const at_end = ERR_GET_LIB(error) == ERR_LIB_PEM &&
        ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    if (!at_end) refuse(operation, where, openssl_cause());
    if (all.empty()) refuse(operation, where, "there is none in it");
    ERR_clear_error();
    return all;
}

openssl_ptr<EVP_PKEY> read_key(
    std::string_view pem, std::string_view where, std::string_view password
) {
    constexpr std::string_view operation = "use the private key in";
    if (pem.find("PRIVATE KEY-----") == pem.npos) refuse(operation, where, "there is none in it");
    auto const text = reader_of(pem);
    ERR_clear_error();
    openssl_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(text.get(), nullptr, give_password, &password)
    );
    if (!key) refuse(operation, where, openssl_cause());
    return key;
}

}  // namespace

tls_context_state::tls_context_state(bool server)
    : server_(server),
      verification_(server ? tls_verification::none : tls_verification::required),
      ssl_(openssl_require(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()))) {
    SSL_CTX* const context = ssl_.get();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    // An idle connection keeps no buffers of 16 KiB. And a connection's keys change in TLS 1.3 without
    // the renegotiation of TLS 1.2, which would have a read wait to write.
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    if (server) {
        // Sessions are in tickets, with the clients.
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        static constexpr unsigned char id[] = "green";
        SSL_CTX_set_session_id_context(context, id, sizeof id);
        SSL_CTX_set_alpn_select_cb(context, select_alpn, this);
    } else {
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
        SSL_CTX_sess_set_new_cb(context, keep_session);
    }
    set_verification(verification_);
}

tls_context tls_context_state::make(bool server) {
    return tls_context(std::make_shared<tls_context_state>(server));
}

void tls_context_state::use_certificate(
    std::string_view chain,
    std::string_view chain_where,
    std::string_view key,
    std::string_view key_where,
    std::string_view password
) {
    constexpr std::string_view operation = "use the certificate in";
    auto certificates = read_all<X509>(chain, operation, chain_where);
    auto const private_key = read_key(key, key_where, password);
    if (X509_check_private_key(certificates.front().get(), private_key.get()) != 1)
        refuse(
            operation, chain_where, "the private key in " + std::string(key_where) + " is not its"
        );
    openssl_ptr<STACK_OF(X509)> others(openssl_require(sk_X509_new_null()));
    for (std::size_t i = 1; i < certificates.size(); ++i) {
        if (sk_X509_push(others.get(), certificates[i].get()) == 0) throw std::bad_alloc();
        [[maybe_unused]] const X509* const theirs = certificates[i].release();
    }
    int const done = SSL_CTX_use_cert_and_key(
        ssl_.get(), certificates.front().get(), private_key.get(), others.get(), 1
    );
    if (done != 1) refuse(operation, chain_where, openssl_cause());
}

void tls_context_state::trust(std::string_view authorities, std::string_view where) {
    auto const all = read_all<X509>(authorities, "trust the authorities in", where);
    trusts_somebody_ = true;
    for (auto const& one : all) {
        X509_STORE_add_cert(SSL_CTX_get_cert_store(ssl_.get()), one.get());
        // A server names them to its clients, which may have more certificates than one.
        if (server_) SSL_CTX_add_client_CA(ssl_.get(), one.get());
    }
    sessions_.clear();
}

void tls_context_state::trust_system() {
    trusts_somebody_ = true;
    // Errors of single files are nobody's: they make for less trust, not more.
    std::call_once(system_read_, [this] { SSL_CTX_set_default_verify_paths(ssl_.get()); });
    ERR_clear_error();
    sessions_.clear();
}

void tls_context_state::trust_somebody() {
    if (trusts_somebody_ || verification_ == tls_verification::none) return;
    std::call_once(system_read_, [this] { SSL_CTX_set_default_verify_paths(ssl_.get()); });
}

void tls_context_state::use_revocations(std::string_view lists, std::string_view where) {
    X509_STORE* const store = SSL_CTX_get_cert_store(ssl_.get());
    for (auto const& list : read_all<X509_CRL>(lists, "use the revocations in", where))
        X509_STORE_add_crl(store, list.get());
    X509_VERIFY_PARAM_set_flags(
        SSL_CTX_get0_param(ssl_.get()), X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL
    );
    sessions_.clear();
}

void tls_context_state::set_verification(tls_verification what) {
    verification_ = what;
    sessions_.clear();  // they may be with a peer that nobody has verified
}

void tls_context_state::set_minimum_version(tls_version version) {
    SSL_CTX_set_min_proto_version(
        ssl_.get(), version == tls_version::v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION
    );
    sessions_.clear();
}

void tls_context_state::set_alpn(const std::vector<std::string>& protocols) {
    std::string wire;
    for (const std::string& name : protocols) {
        if (name.empty() || name.size() > 255)
            throw std::invalid_argument(
                "green: set_alpn: a protocol's name has 1 to 255 bytes, not " +
                std::to_string(name.size())
            );
        wire += static_cast<char>(name.size());
        wire += name;
    }
    alpn_ = std::move(wire);
    sessions_.clear();
    if (server_) return;
    int const failed = SSL_CTX_set_alpn_protos(
        ssl_.get(), reinterpret_cast<const unsigned char*>(alpn_.data()),
        static_cast<unsigned>(alpn_.size())
    );
    if (failed != 0) refuse("set_alpn", "", openssl_cause());
}

int tls_context_state::select_alpn(
    SSL*,
    const unsigned char** out,
    unsigned char* out_size,
    const unsigned char* offered,
    unsigned offered_size,
    void* self
) noexcept {
    auto const& own = static_cast<tls_context_state*>(self)->alpn_;
    if (own.empty()) return SSL_TLSEXT_ERR_NOACK;
    unsigned char* selected = nullptr;
    int const found = SSL_select_next_proto(
        &selected, out_size, reinterpret_cast<const unsigned char*>(own.data()),
        static_cast<unsigned>(own.size()), offered, offered_size
    );
    *out = selected;
    // RFC 7301, 3.2: without a protocol in common there is no connection.
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace green::detail
