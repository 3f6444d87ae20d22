#include <green/dns/detail/name.hpp>

#include <green/dns/detail/idna.hpp>

#include <algorithm>
#include <array>

namespace green::detail {

namespace {

bool is_hex(char c) { return is_digit(c) || (lower_case(c) >= 'a' && lower_case(c) <= 'f'); }

/// A part as inet_aton(3) reads it: decimal, octal or 0x and hexadecimal digits.
bool is_number(std::string_view label) {
    if (label.size() >= 2 && label[0] == '0' && lower_case(label[1]) == 'x') {
        return std::all_of(label.begin() + 2, label.end(), is_hex);
    }
    return !label.empty() && std::all_of(label.begin(), label.end(), is_digit);
}

/// Is `name` the domain itself or below it? Both are lower-cased and without a final dot.
bool is_within(std::string_view name, std::string_view domain) {
    if (!name.ends_with(domain)) return false;
    return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

/// Null when every label is as it has to be.
const char* find_problem(std::string_view name) {
    if (name.size() > longest_name) return "longer than 253 bytes";
    bool all_numbers = true;
    for (std::size_t at = 0; at <= name.size();) {
        const auto end = std::min(name.find('.', at), name.size());
        const auto label = name.substr(at, end - at);
        for (const char c : label) {
            if (!is_name_byte(c)) return "a byte that no host name has";
        }
        if (label.empty()) return "empty label";
        if (label.size() > longest_label) return "label longer than 63 bytes";
        all_numbers = all_numbers && is_number(label);
        at = end + 1;
    }
    if (all_numbers) return "numbers, but not an IPv4 address";
    return nullptr;
}

}  // namespace

void append_label_byte(std::string& out, char c) {
    auto const code = static_cast<unsigned char>(c);
    if (c == '.' || c == '\\') {
        out += '\\';
        out += c;
    } else if (code > ' ' && code < 0x7f) {
        out += c;
    } else {
        out += '\\';
        out += static_cast<char>('0' + code / 100);
        out += static_cast<char>('0' + code / 10 % 10);
        out += static_cast<char>('0' + code % 10);
    }
}

std::string lower_case(std::string_view text) {
    std::string out(text);
    for (char& c : out) c = lower_case(c);
    return out;
}

namespace {

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x80;
    });
}

}  // namespace

name_kind kind_of_name(std::string_view name) {
    if (is_within(name, "localhost")) return name_kind::localhost;
    if (is_within(name, "onion") || is_within(name, "invalid")) return name_kind::never;
    return name_kind::host;
}

checked_name check_name(std::string_view host) {
    checked_name result;
    ascii_name converted;
    if (!is_ascii(host)) {
        converted = to_a_labels(host);
        if (converted.problem) {
            result.problem = converted.problem;
            return result;
        }
        host = converted.text;
    }
    if (host.empty()) {
        result.problem = "empty name";
        return result;
    }
    // Two colons at least make an IPv6 address, so `1.2.3.4:80` and a path stay bad names.
    const bool may_be_ip = converted.text.empty() && host.front() != '[' && host.front() != '/' &&
        host.front() != '@' && std::count(host.begin(), host.end(), ':') != 1;
    if (may_be_ip) {
        result.literal = address::try_parse(host);
        if (result.literal) {
            result.kind = name_kind::literal;
            result.text = host;
            return result;
        }
    }
    if (host.back() == '.') {
        result.absolute = true;
        host.remove_suffix(1);
    }
    if (const char* problem = find_problem(host)) {
        result.problem = problem;
        return result;
    }
    result.text = lower_case(host);
    result.dots = static_cast<unsigned>(std::count(host.begin(), host.end(), '.'));
    result.kind = kind_of_name(result.text);
    return result;
}

std::optional<unsigned> dots_of_plain_name(std::string_view host) noexcept {
    if (host.size() > longest_name) return std::nullopt;
    static constexpr auto plain = [] {
        std::array<bool, 256> is{};
        for (unsigned c = 0; c < is.size(); ++c) {
            const char byte = static_cast<char>(c);
            is[c] = is_name_byte(byte) && lower_case(byte) == byte;
        }
        return is;
    }();
    unsigned dots = 0;
    std::size_t label = 0;  // where the present one begins
    for (std::size_t i = 0; i < host.size(); ++i) {
        if (plain[static_cast<unsigned char>(host[i])]) continue;
        if (host[i] != '.' || i == label || i - label > longest_label) return std::nullopt;
        label = i + 1;
        ++dots;
    }
    // A number may be part of an address; localhost, onion and invalid mean something else.
    const std::string_view last = host.substr(label);
    if (last.empty() || last.size() > longest_label || is_digit(last.front())) return std::nullopt;
    if (last == "localhost" || last == "onion" || last == "invalid") return std::nullopt;
    return dots;
}

std::vector<std::string> search_candidates(
    const checked_name& name, std::span<const std::string> search, unsigned ndots
) {
    std::vector<std::string> out;
    if (name.absolute) {
        out.push_back(name.text);
        return out;
    }
    const bool as_is_first = name.dots >= ndots;
    bool as_is = as_is_first;
    if (as_is_first) out.push_back(name.text);
    for (const auto& domain : search) {
        if (domain.empty()) {
            if (!as_is) out.push_back(name.text);
            as_is = true;
        } else if (name.text.size() + 1 + domain.size() <= longest_name) {
            out.push_back(name.text + "." + domain);
        }
    }
    if (!as_is) out.push_back(name.text);
    return out;
}

std::string printable_name(std::string_view name) {
    constexpr std::size_t limit = 80;
    constexpr std::string_view hex = "0123456789abcdef";
    std::string out;
    for (const char c : name.substr(0, name.size() > limit ? limit - 16 : limit)) {
        if (c > ' ' && c <= '~' && c != '\\') {
            out += c;
        } else {
            const auto code = static_cast<unsigned char>(c);
            out += "\\x";
            out += hex[code >> 4];
            out += hex[code & 15];
        }
    }
    if (name.size() > limit) out += "... (" + std::to_string(name.size()) + " bytes)";
    return out;
}

}  // namespace green::detail
