#include <green/http/error.hpp>

#include <iterator>

namespace green::http {
namespace {

std::string text_of(std::string_view method, std::string_view url, std::string_view cause) {
    std::string text(method);
    if (!url.empty()) (text += ' ') += url;
    (text += ": ") += cause;
    return text;
}

std::string text_of(int status, std::string_view reason) {
    std::string text = "HTTP Error " + std::to_string(status);
    if (!reason.empty()) (text += ": ") += reason;
    return text;
}

}  // namespace

std::string_view to_string(errc code) noexcept {
    static constexpr std::string_view names[] = {
        "bad_url",       "no_address",      "connect_failed", "tls_failed", "proxy_failed",
        "timeout",       "connection_lost", "bad_response",   "too_large",  "too_many_redirects",
        "cannot_resend", "bad_status",      "unavailable",    "failed",
    };
    auto const i = static_cast<std::size_t>(code);
    return i < std::size(names) ? names[i] : "unknown";
}

error::error(
    errc code,
    std::string_view method,
    std::string_view url,
    std::string_view cause,
    std::error_code system
)
    : std::runtime_error(text_of(method, url, cause)),
      code_(code),
      system_(system),
      method_(method),
      url_(url),
      cause_(cause) {}

error::error(std::string_view method, std::string_view url, int status, std::string_view reason)
    : std::runtime_error(text_of(status, reason)),
      code_(errc::bad_status),
      status_(status),
      method_(method),
      url_(url),
      cause_(reason) {}

}  // namespace green::http
