#include "text.hpp"

#include <cstddef>
#include <cstdio>

namespace tool {
namespace {

constexpr std::size_t longest_shown = 300;  // a name has 253 bytes

unsigned byte_at(std::string_view text, std::size_t at) noexcept {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

/// The length of the printable character at `at`; 0 if there is none.
std::size_t character_at(std::string_view text, std::size_t at) noexcept {
    unsigned const lead = byte_at(text, at);
    if (lead < 0x80) return lead >= ' ' && lead != 0x7f ? 1 : 0;
    std::size_t const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
    unsigned code = lead & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte_at(text, at + i) & 0xc0U) != 0x80) return 0;
        code = code << 6U | (byte_at(text, at + i) & 0x3fU);
    }
    // Longer than need be, surrogates, the upper control characters, what is beyond Unicode.
    constexpr unsigned least[] = {0, 0, 0xa0, 0x800, 0x10000};
    bool const valid = code >= least[length] && code <= 0x10ffff &&
        (code < 0xd800 || code > 0xdfff);
    return valid ? length : 0;
}

void append_escaped(std::string& out, unsigned byte) {
    constexpr std::string_view hex = "0123456789abcdef";
    out += "\\x";
    out += hex[byte >> 4U];
    out += hex[byte & 15U];
}

}  // namespace

std::string printable(std::string_view bytes) {
    std::string out;
    for (std::size_t at = 0; at < bytes.size();) {
        if (at >= longest_shown) return out + "...";
        std::size_t const length = character_at(bytes, at);
        if (length == 0) {
            append_escaped(out, byte_at(bytes, at));
        } else {
            out += bytes.substr(at, length);
        }
        at += length == 0 ? 1 : length;
    }
    return out;
}

void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    out += '"';
}

void append_csv_field(std::string& out, std::string_view text) {
    if (text.find_first_of(",\"") == text.npos) {
        out += text;
        return;
    }
    out += '"';
    for (char c : text) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

double milliseconds(std::chrono::nanoseconds d) noexcept {
    return std::chrono::duration<double, std::milli>(d).count();
}

std::string duration_text(std::chrono::nanoseconds d) {
    double const ms = milliseconds(d);
    if (ms < 9.995) return formatted("%.2f ms", ms);
    if (ms < 99.95) return formatted("%.1f ms", ms);
    if (ms < 999.5) return formatted("%.0f ms", ms);
    if (ms < 9995) return formatted("%.2f s", ms / 1000);
    return formatted("%.1f s", ms / 1000);
}

std::string formatted(const char* format, double value) {
    char buffer[64];
    int const n = std::snprintf(buffer, sizeof buffer, format, value);
    return {buffer, static_cast<std::size_t>(n)};
}

}  // namespace tool
