#include <green/http/detail/http_url.hpp>

#include <green/dns/detail/idna.hpp>
#include <green/http/error.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <new>

#include <curl/curl.h>

namespace green::detail {
namespace {

struct url_closer {
    void operator()(CURLU* u) const noexcept { curl_url_cleanup(u); }
};
struct text_closer {
    void operator()(char* text) const noexcept { curl_free(text); }
};

const char* words_of(CURLUcode code) noexcept {
    switch (code) {
    case CURLUE_BAD_PORT_NUMBER: return "a bad port";
    case CURLUE_UNSUPPORTED_SCHEME: return "neither http nor https";
    case CURLUE_NO_HOST: return "no host";
    case CURLUE_NO_SCHEME: return "no scheme";
    default: return "not a URL";
    }
}

/// The text without what stands before an `@` in its authority: it may be a password.
std::string without_secrets(const std::string& text) {
    auto const scheme = text.find("://");
    auto const begin = scheme == std::string::npos ? 0 : scheme + 3;
    auto const end = std::min(text.find_first_of("/?#", begin), text.size());
    auto const at = text.rfind('@', end);
    if (at == std::string::npos || at < begin) return text;
    return text.substr(0, begin) + text.substr(at + 1);
}

class curl_url_handle {
public:
    explicit curl_url_handle(const std::string& method, const std::string& text)
        : method_(method), text_(text), url_(curl_url()) {
        if (!url_) throw std::bad_alloc();
    }

    void set(CURLUPart part, const char* value, unsigned flags = 0) {
        if (auto const code = curl_url_set(url_.get(), part, value, flags); code != CURLUE_OK)
            fail(words_of(code));
    }
    /// Empty if there is none.
    std::string get(CURLUPart part, unsigned flags = 0) const {
        char* value = nullptr;
        if (curl_url_get(url_.get(), part, &value, flags) != CURLUE_OK) return {};
        std::unique_ptr<char, text_closer> const owner(value);
        return value;
    }
    [[noreturn]] void fail(const char* problem) const {
        throw http::error(http::errc::bad_url, method_, without_secrets(text_), problem);
    }
    std::uint16_t port() const {
        std::string const text = get(CURLUPART_PORT, CURLU_DEFAULT_PORT);
        std::uint16_t port = 0;
        std::from_chars(text.data(), text.data() + text.size(), port);
        return port;
    }

private:
    const std::string& method_;
    const std::string& text_;
    std::unique_ptr<CURLU, url_closer> url_;
};

/// Without the brackets of an IPv6 address.
std::string bare(std::string host) {
    if (host.size() > 2 && host.front() == '[') return host.substr(1, host.size() - 2);
    return host;
}

/// The name as the DNS has it, in place of one in another script.
void put_into_ascii(curl_url_handle& u) {
    std::string const host = u.get(CURLUPART_HOST);
    auto const plain = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
    if (std::all_of(host.begin(), host.end(), plain)) return;
    ascii_name const name = to_a_labels(host);
    if (name.problem) u.fail(name.problem);
    u.set(CURLUPART_HOST, name.text.c_str());
}

}  // namespace

std::string http_url::origin() const { return scheme + "://" + host + ':' + std::to_string(port); }

http_url parse_http_url(const std::string& method, const std::string& text, const http_url* base) {
    curl_url_handle u(method, text);
    if (base) u.set(CURLUPART_URL, base->text.c_str());
    // Servers send blanks and other letters in their redirects; browsers take them.
    u.set(CURLUPART_URL, text.c_str(), base ? CURLU_URLENCODE : 0);
    http_url url;
    url.scheme = u.get(CURLUPART_SCHEME);
    if (url.scheme != "http" && url.scheme != "https") u.fail("neither http nor https");
    put_into_ascii(u);
    url.host = bare(u.get(CURLUPART_HOST));
    if (url.host.empty()) u.fail("no host");
    url.port = u.port();
    url.user = u.get(CURLUPART_USER, CURLU_URLDECODE);
    url.password = u.get(CURLUPART_PASSWORD, CURLU_URLDECODE);
    for (CURLUPart const part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_FRAGMENT})
        u.set(part, nullptr);
    url.text = u.get(CURLUPART_URL);
    return url;
}

proxy_place parse_proxy(const std::string& text) {
    constexpr std::uint16_t usual_port = 1080;  // libcurl's
    static const std::string method = "proxy";
    curl_url_handle u(method, text);
    u.set(CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME);
    std::string const scheme = u.get(CURLUPART_SCHEME);
    proxy_place place;
    place.host = bare(u.get(CURLUPART_HOST));
    std::string const port = u.get(CURLUPART_PORT);
    place.port = port.empty() ? (scheme == "https" ? 443 : usual_port) : u.port();
    place.resolves = scheme != "socks5" && scheme != "socks4";
    return place;
}

}  // namespace green::detail
