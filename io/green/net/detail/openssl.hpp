#pragma once

// Internal: objects of OpenSSL that free themselves. For sources, never for a public header.

#include <memory>
#include <new>
#include <string>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace green::detail {

struct openssl_delete {
    void operator()(ASN1_TIME* p) const noexcept { ASN1_TIME_free(p); }
    void operator()(BIO* p) const noexcept { BIO_free(p); }
    void operator()(BIO_METHOD* p) const noexcept { BIO_meth_free(p); }
    void operator()(EVP_PKEY* p) const noexcept { EVP_PKEY_free(p); }
    void operator()(GENERAL_NAMES* p) const noexcept { GENERAL_NAMES_free(p); }
    void operator()(SSL* p) const noexcept { SSL_free(p); }
    void operator()(SSL_CTX* p) const noexcept { SSL_CTX_free(p); }
    void operator()(SSL_SESSION* p) const noexcept { SSL_SESSION_free(p); }
    void operator()(X509* p) const noexcept { X509_free(p); }
    void operator()(X509_CRL* p) const noexcept { X509_CRL_free(p); }
    void operator()(X509_STORE* p) const noexcept { X509_STORE_free(p); }
    void operator()(STACK_OF(X509) * p) const noexcept { sk_X509_pop_free(p, X509_free); }
};

template <class T>
using openssl_ptr = std::unique_ptr<T, openssl_delete>;

/// Throws std::bad_alloc for null: what OpenSSL returns only when memory is out.
template <class T>
T* openssl_require(T* p) {
    if (!p) throw std::bad_alloc();
    return p;
}

/// What a function that prints to a BIO prints.
template <class Print>
std::string openssl_text(Print print) {
    openssl_ptr<BIO> const memory(openssl_require(BIO_new(BIO_s_mem())));
    print(memory.get());
    char* data = nullptr;
    long const size = BIO_get_mem_data(memory.get(), &data);
    return size > 0 ? std::string(data, static_cast<std::size_t>(size)) : std::string();
}

/// The oldest error of this thread in words, which is the cause of the ones after it. Clears them all.
inline std::string openssl_cause() {
    unsigned long const error = ERR_get_error();
    ERR_clear_error();
    const char* const reason = ERR_reason_error_string(error);
    return reason ? reason : "unknown error " + std::to_string(error);
}

}  // namespace green::detail
