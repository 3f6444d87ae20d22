#pragma once

#include <green/core/config.hpp>

#include <string>
#include <string_view>

namespace green::detail {

/// Appends `text` as a JSON string, quotes included. What is not UTF-8 becomes U+FFFD, so that the result
/// always is (RFC 8259, 8.1).
void append_json(std::string& out, std::string_view text);

}  // namespace green::detail
