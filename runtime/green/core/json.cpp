#include <green/core/json.hpp>

#include <cstddef>

namespace green::detail {
namespace {

unsigned byte_at(std::string_view text, std::size_t at) noexcept {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// The length of the well-formed sequence that begins at `at`, 0 if there is none: Unicode 15, table 3-7.
std::size_t utf8_length(std::string_view text, std::size_t at) noexcept {
    unsigned const lead = byte_at(text, at);
    if (lead < 0x80) return 1;
    unsigned const second = byte_at(text, at + 1);
    unsigned const lowest = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    unsigned const highest = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    std::size_t const length = lead >= 0xc2 && lead <= 0xdf ? 2
        : lead >= 0xe0 && lead <= 0xef                      ? 3
        : lead >= 0xf0 && lead <= 0xf4                      ? 4
                                                            : 0;
    if (length == 0 || second < lowest || second > highest) return 0;
    for (std::size_t i = 2; i < length; ++i) {
        if ((byte_at(text, at + i) & 0xc0U) != 0x80) return 0;
    }
    return length;
}

/// How many bytes from `at` on stand for themselves.
std::size_t plain_length(std::string_view text, std::size_t at) noexcept {
    std::size_t end = at;
    while (end < text.size() && text[end] >= ' ' && text[end] < 0x7f && text[end] != '"' &&
           text[end] != '\\') {
        ++end;
    }
    return end - at;
}

}  // namespace

void append_json(std::string& out, std::string_view text) {
    static constexpr std::string_view hex = "0123456789abcdef";
    out += '"';
    for (std::size_t at = 0; at < text.size();) {
        if (std::size_t const plain = plain_length(text, at); plain != 0) {
            out += text.substr(at, plain);
            at += plain;
            continue;
        }
        unsigned const c = byte_at(text, at);
        std::size_t const length = utf8_length(text, at);
        if (length == 0) {
            out += "\xef\xbf\xbd";
            ++at;
            continue;
        }
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20 || c == 0x7f) {
            out += "\\u00";
            out += hex[c >> 4U];
            out += hex[c & 15U];
        } else {
            out += text.substr(at, length);
        }
        at += length;
    }
    out += '"';
}

}  // namespace green::detail
