#include <green/testing/certificates.hpp>

#include <green/net/address.hpp>
#include <green/net/detail/openssl.hpp>

#include <cstdint>
#include <ctime>
#include <stdexcept>
#include <utility>

#include <openssl/rand.h>

namespace green::testing {
namespace {

using green::detail::openssl_ptr;
using green::detail::openssl_require;
using green::detail::openssl_text;

void demand(bool done) {
    if (!done) throw std::runtime_error("make a certificate: " + green::detail::openssl_cause());
}

std::string pem_of(X509* certificate) {
    return openssl_text([&](BIO* out) { PEM_write_bio_X509(out, certificate); });
}

openssl_ptr<X509> read_certificate(const std::string& pem) {
    openssl_ptr<BIO> const text(
        openssl_require(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())))
    );
    openssl_ptr<X509> read(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
    demand(read != nullptr);
    return read;
}

/// `DNS:localhost,IP:127.0.0.1`
std::string alternative_names(const std::vector<std::string>& hosts) {
    std::string text;
    for (const std::string& host : hosts) {
        if (!text.empty()) text += ',';
        text += address::try_parse(host) ? "IP:" : "DNS:";
        text += host;
    }
    return text;
}

void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
    demand(made != nullptr);
    bool const added = X509_add_ext(certificate, made, -1) == 1;
    X509_EXTENSION_free(made);
    demand(added);
}

struct request {
    std::string_view name;
    std::vector<std::string> hosts;
    bool authority = false;
    validity when;
};

/// Without issuer and signature.
openssl_ptr<X509> draft(const request& r, EVP_PKEY* key) {
    openssl_ptr<X509> certificate(openssl_require(X509_new()));
    X509* const c = certificate.get();
    std::uint64_t serial = 0;
    demand(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
    X509_set_version(c, X509_VERSION_3);
    ASN1_INTEGER_set_uint64(X509_get_serialNumber(c), serial | 1);
    X509_gmtime_adj(X509_getm_notBefore(c), static_cast<long>(r.when.begin.count()));
    X509_gmtime_adj(X509_getm_notAfter(c), static_cast<long>(r.when.end.count()));
    X509_set_pubkey(c, key);
    auto const* const name = reinterpret_cast<const unsigned char*>(r.name.data());
    demand(
        X509_NAME_add_entry_by_NID(
            X509_get_subject_name(c), NID_commonName, MBSTRING_UTF8, name,
            static_cast<int>(r.name.size()), -1, 0
        ) == 1
    );
    return certificate;
}

void sign(X509* certificate, const request& r, X509* issuer, EVP_PKEY* issuer_key) {
    X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
    add_extension(
        certificate, issuer, NID_basic_constraints, r.authority ? "critical,CA:TRUE" : "CA:FALSE"
    );
    if (r.authority)
        add_extension(certificate, issuer, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(certificate, issuer, NID_subject_key_identifier, "hash");
    add_extension(certificate, issuer, NID_authority_key_identifier, "keyid:always");
    if (!r.hosts.empty())
        add_extension(certificate, issuer, NID_subject_alt_name, alternative_names(r.hosts));
    demand(X509_sign(certificate, issuer_key, EVP_sha256()) != 0);
}

struct pair {
    openssl_ptr<X509> x509;
    openssl_ptr<EVP_PKEY> key;

    certificate as_pem() const {
        return {pem_of(x509.get()), openssl_text([&](BIO* out) {
                    PEM_write_bio_PrivateKey(out, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
                })};
    }
};

/// Signed by `issuer`, or by itself.
pair make(const request& r, const pair* issuer) {
    pair made;
    made.key.reset(openssl_require(EVP_EC_gen("P-256")));
    made.x509 = draft(r, made.key.get());
    const pair& by = issuer ? *issuer : made;
    sign(made.x509.get(), r, by.x509.get(), by.key.get());
    return made;
}

request request_for(const std::vector<std::string>& hosts, validity when) {
    if (hosts.empty()) throw std::invalid_argument("make a certificate: for no host");
    return {hosts.front(), hosts, false, when};
}

}  // namespace

struct certificate_authority::state {
    pair own;
    std::string pem;
    std::string chain;  // of who vouches for it, without the root, whom everybody has
    openssl_ptr<X509_CRL> list{openssl_require(X509_CRL_new())};

    void revoke(X509* certificate) {
        X509_REVOKED* const entry = openssl_require(X509_REVOKED_new());
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate));
        openssl_ptr<ASN1_TIME> const now(openssl_require(X509_gmtime_adj(nullptr, 0)));
        X509_REVOKED_set_revocationDate(entry, now.get());
        demand(X509_CRL_add0_revoked(list.get(), entry) == 1);
    }
};

certificate_authority::certificate_authority(std::string_view name)
    : state_(std::make_unique<state>()) {
    request r;
    r.name = name;
    r.authority = true;
    state_->own = make(r, nullptr);
    state_->pem = pem_of(state_->own.x509.get());
}

certificate_authority::certificate_authority(std::unique_ptr<state> made)
    : state_(std::move(made)) {}
certificate_authority::certificate_authority(certificate_authority&&) noexcept = default;
certificate_authority& certificate_authority::operator=(certificate_authority&&) noexcept = default;
certificate_authority::~certificate_authority() = default;

certificate certificate_authority::issue(const std::vector<std::string>& hosts, validity when) {
    certificate made = make(request_for(hosts, when), &state_->own).as_pem();
    made.chain += state_->chain;
    return made;
}

certificate_authority certificate_authority::intermediate(std::string_view name) {
    request r;
    r.name = name;
    r.authority = true;
    auto made = std::make_unique<state>();
    made->own = make(r, &state_->own);
    made->pem = pem_of(made->own.x509.get());
    made->chain = made->pem + state_->chain;
    return certificate_authority(std::move(made));
}

certificate certificate_authority::self_signed(
    const std::vector<std::string>& hosts, validity when
) {
    return make(request_for(hosts, when), nullptr).as_pem();
}

void certificate_authority::revoke(const certificate& issued) {
    state_->revoke(read_certificate(issued.chain).get());
}

void certificate_authority::revoke(const certificate_authority& intermediate) {
    state_->revoke(intermediate.state_->own.x509.get());
}

std::string certificate_authority::revocations() const {
    X509_CRL* const list = state_->list.get();
    X509_CRL_set_version(list, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(list, X509_get_subject_name(state_->own.x509.get()));
    openssl_ptr<ASN1_TIME> const begin(openssl_require(X509_gmtime_adj(nullptr, -3600)));
    openssl_ptr<ASN1_TIME> const end(openssl_require(X509_gmtime_adj(nullptr, 24L * 3600)));
    X509_CRL_set1_lastUpdate(list, begin.get());
    X509_CRL_set1_nextUpdate(list, end.get());
    X509_CRL_sort(list);
    demand(X509_CRL_sign(list, state_->own.key.get(), EVP_sha256()) != 0);
    return openssl_text([&](BIO* out) { PEM_write_bio_X509_CRL(out, list); });
}

const std::string& certificate_authority::pem() const { return state_->pem; }

}  // namespace green::testing
