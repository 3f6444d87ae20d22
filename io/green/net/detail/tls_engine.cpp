#include <green/net/detail/tls_engine.hpp>

#include <green/dns/detail/idna.hpp>
#include <green/net/address.hpp>
#include <green/net/detail/tls_buffers.hpp>
#include <green/net/detail/tls_context_state.hpp>
#include <green/net/detail/tls_failure.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace green::detail {
namespace {

constexpr const char* handshake_with = "tls handshake with";

/// A host as it stands in certificates: an address, or a name in ASCII without the dot at its end.
struct certified_host {
    std::optional<address> ip;
    std::string name;
};

certified_host read_host(const tls_peer& peer) {
    auto const refuse = [&](const char* problem) {
        throw tls_error(tls_errc::bad_configuration, handshake_with, peer.label, problem);
    };
    certified_host host;
    if (peer.host.empty()) refuse("there is no host that its certificate could be of");
    if (auto const read = address::try_parse(peer.host); read && !read->bytes().empty()) {
        host.ip = *read;
        return host;
    }
    host.name = peer.host;
    bool const ascii = std::all_of(host.name.begin(), host.name.end(), [](char c) {
        return c > 0;
    });
    if (!ascii) {
        ascii_name converted = to_a_labels(host.name);
        if (converted.problem) refuse(converted.problem);
        host.name = std::move(converted.text);
    }
    if (host.name.ends_with('.')) host.name.pop_back();
    return host;
}

}  // namespace

class tls_engine_state {
public:
    tls_engine_state(const tls_context& context, tls_peer who);
    ~tls_engine_state();

    static tls_engine_state& of(const SSL* ssl) noexcept {
        return *static_cast<tls_engine_state*>(SSL_get_app_data(ssl));
    }

    bool has_failed() const noexcept { return failure.has_value(); }
    /// What has become of a call whose result was `result`.
    tls_status after(int result, const char* operation);

    std::shared_ptr<tls_context_state> context;
    tls_peer peer;
    tls_buffers buffers;
    openssl_ptr<SSL> ssl;
    bool shaken = false;  // the handshake is over
    bool shut = false;  // close_notify is said
    std::optional<tls_cause> refused;  // a certificate
    std::optional<tls_error> failure;

private:
    void prepare_client();
    tls_status fail(const char* operation, const tls_cause& cause);
};

namespace {

/// Called for every certificate of a chain. Why one is refused is known only here.
int on_verified(int good, X509_STORE_CTX* chain) noexcept {
    if (good == 1) return 1;
    auto const* const ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx())
    );
    tls_engine_state& self = tls_engine_state::of(ssl);
    try {
        self.refused = certificate_cause(chain, self.peer.host);
    } catch (...) {  // out of memory: it is refused without a reason
    }
    return 0;
}

int mode_of(tls_verification verification, bool server) noexcept {
    switch (verification) {
    case tls_verification::none: return SSL_VERIFY_NONE;
    case tls_verification::optional: return server ? SSL_VERIFY_PEER : SSL_VERIFY_NONE;
    case tls_verification::required: break;
    }
    return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

}  // namespace

int keep_session(SSL* ssl, SSL_SESSION* session) noexcept {
    tls_engine_state& self = tls_engine_state::of(ssl);
    SSL_SESSION_up_ref(session);
    openssl_ptr<SSL_SESSION> ours(session);
    try {
        self.context->sessions().put(self.peer.session_key, std::move(ours));
    } catch (...) {  // out of memory: the next handshake is a whole one
    }
    return 0;
}

tls_engine_state::tls_engine_state(const tls_context& c, tls_peer who)
    : context(tls_context_state::of(c)),
      peer(std::move(who)),
      ssl(openssl_require(SSL_new(context->ssl()))) {
    if (peer.label.empty()) peer.label = peer.host;
    if (peer.session_key.empty()) peer.session_key = peer.host;
    context->trust_somebody();
    SSL_set_app_data(ssl.get(), this);
    BIO* const bio = make_bio(buffers).release();
    SSL_set_bio(ssl.get(), bio, bio);
    bool const server = context->server();
    int const mode = mode_of(context->verification(), server);
    // Who minds nothing is not told: what goes wrong later is not the certificate's fault.
    SSL_set_verify(ssl.get(), mode, mode == SSL_VERIFY_NONE ? nullptr : on_verified);
    if (server)
        SSL_set_accept_state(ssl.get());
    else
        prepare_client();
}

tls_engine_state::~tls_engine_state() {
    // A connection that is dropped, as most are, does not spoil its session: that was against attacks
    // on SSL 2 (RFC 5246, 7.2.1).
    if (!failure) SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
}

void tls_engine_state::prepare_client() {
    SSL_set_connect_state(ssl.get());
    bool const verified = context->verification() != tls_verification::none;
    if (peer.host.empty() && !verified) return;
    certified_host const host = read_host(peer);
    X509_VERIFY_PARAM* const demands = SSL_get0_param(ssl.get());
    bool done = true;
    if (host.ip) {
        auto const bytes = host.ip->bytes();
        done = X509_VERIFY_PARAM_set1_ip(
                   demands, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()
               ) == 1;
    } else {
        X509_VERIFY_PARAM_set_hostflags(demands, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        done = X509_VERIFY_PARAM_set1_host(demands, host.name.data(), host.name.size()) == 1 &&
            SSL_set_tlsext_host_name(ssl.get(), host.name.c_str()) == 1;
    }
    if (!done)
        throw tls_error(tls_errc::bad_configuration, handshake_with, peer.label, openssl_cause());
    if (auto const session = context->sessions().take(peer.session_key))
        SSL_set_session(ssl.get(), session.get());
}

tls_status tls_engine_state::after(int result, const char* operation) {
    if (result == 1) return tls_status::done;
    switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ: return tls_status::needs_input;
    case SSL_ERROR_ZERO_RETURN: return tls_status::ended;
    default: break;
    }
    if (refused) return fail(operation, *refused);
    return fail(operation, queued_cause(!shaken));
}

tls_status tls_engine_state::fail(const char* operation, const tls_cause& cause) {
    ERR_clear_error();
    failure.emplace(cause.code, operation, peer.label, cause.text);
    return tls_status::failed;
}

tls_engine::tls_engine(const tls_context& context, tls_peer peer)
    : state_(std::make_unique<tls_engine_state>(context, std::move(peer))) {}
tls_engine::~tls_engine() = default;

tls_status tls_engine::handshake() {
    if (state_->has_failed()) return tls_status::failed;
    ERR_clear_error();
    tls_status const status = state_->after(SSL_do_handshake(state_->ssl.get()), handshake_with);
    state_->shaken = status == tls_status::done;
    return status;
}

tls_progress tls_engine::read(std::span<std::byte> into) {
    if (state_->has_failed()) return {tls_status::failed};
    ERR_clear_error();
    std::size_t size = 0;
    int const result = SSL_read_ex(state_->ssl.get(), into.data(), into.size(), &size);
    return {state_->after(result, "tls read from"), size};
}

tls_progress tls_engine::write(std::span<const std::byte> data) {
    if (state_->has_failed()) return {tls_status::failed};
    ERR_clear_error();
    std::size_t size = 0;
    int const result = SSL_write_ex(state_->ssl.get(), data.data(), data.size(), &size);
    return {state_->after(result, "tls write to"), size};
}

void tls_engine::close_notify() {
    if (state_->has_failed() || std::exchange(state_->shut, true)) return;
    SSL_shutdown(state_->ssl.get());
    ERR_clear_error();  // one that is in the middle of its handshake just ends
}

void tls_engine::feed(std::span<const std::byte> ciphertext) noexcept {
    state_->buffers.input = ciphertext;
}
bool tls_engine::has_input() const noexcept { return !state_->buffers.input.empty(); }
void tls_engine::feed_end() noexcept { state_->buffers.input_ended = true; }

std::size_t tls_engine::output_size() const noexcept { return state_->buffers.output.size(); }
std::vector<std::byte> tls_engine::take_output() noexcept {
    return std::exchange(state_->buffers.output, {});
}

void tls_engine::throw_failure() const { throw tls_error(*state_->failure); }

const std::string& tls_engine::label() const noexcept { return state_->peer.label; }

tls_info tls_engine::info() const {
    SSL* const ssl = state_->ssl.get();
    tls_info info;
    info.version = SSL_get_version(ssl);
    info.cipher = SSL_get_cipher_name(ssl);
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    info.protocol.assign(reinterpret_cast<const char*>(protocol), size);
    if (const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name))
        info.server_name = name;
    info.resumed = SSL_session_reused(ssl) == 1;
    if (X509* const certificate = SSL_get0_peer_certificate(ssl)) {
        info.peer_subject = name_text(X509_get_subject_name(certificate));
        info.peer_certificate = openssl_text([&](BIO* out) { PEM_write_bio_X509(out, certificate); }
        );
    }
    return info;
}

}  // namespace green::detail
