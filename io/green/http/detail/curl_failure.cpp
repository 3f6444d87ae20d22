#include <green/http/detail/curl_failure.hpp>

#include <new>

namespace green::detail {
namespace {

http::errc errc_of(CURLcode code) noexcept {
    using http::errc;
    switch (code) {
    case CURLE_URL_MALFORMAT: return errc::bad_url;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return errc::no_address;
    case CURLE_COULDNT_CONNECT: return errc::connect_failed;
    case CURLE_OPERATION_TIMEDOUT: return errc::timeout;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_CLIENTCERT: return errc::tls_failed;
    case CURLE_PROXY: return errc::proxy_failed;
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM: return errc::connection_lost;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // an answer without a status line: HTTP/0.9
    case CURLE_BAD_CONTENT_ENCODING: return errc::bad_response;
    default: return errc::failed;
    }
}

/// A proxy has answered CONNECT, and not with a success.
bool is_refused_tunnel(CURL* easy) noexcept {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_HTTP_CONNECTCODE, &status);
    return status != 0 && status / 100 != 2;
}

std::error_code system_code(CURL* easy, CURLcode code) noexcept {
    if (code != CURLE_COULDNT_CONNECT && code != CURLE_RECV_ERROR && code != CURLE_SEND_ERROR)
        return {};
    long error = 0;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &error);
    return {static_cast<int>(error), std::system_category()};
}

}  // namespace

std::exception_ptr curl_failure(
    CURL* easy, CURLcode code, const char* words, const std::string& method, const std::string& url
) noexcept {
    if (code == CURLE_OK) return nullptr;
    try {
        if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
        std::error_code const system = system_code(easy, code);
        std::string cause = *words ? words : curl_easy_strerror(code);
        if (code == CURLE_COULDNT_CONNECT && system) cause = "connect: " + system.message();
        auto const kind = is_refused_tunnel(easy) ? http::errc::proxy_failed : errc_of(code);
        throw http::error(kind, method, url, cause, system);
    } catch (...) {
        return std::current_exception();
    }
}

}  // namespace green::detail
