#pragma once

#include <green/http/error.hpp>

#include <exception>
#include <string>

#include <curl/curl.h>

namespace green::detail {

/// What libcurl says of a transfer that has ended, as an http::error; null for CURLE_OK.
/// `words` is what it wrote into the error buffer.
std::exception_ptr curl_failure(
    CURL* easy, CURLcode code, const char* words, const std::string& method, const std::string& url
) noexcept;

}  // namespace green::detail
