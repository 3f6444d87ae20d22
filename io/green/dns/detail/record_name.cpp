#include <green/dns/detail/record_name.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

namespace green::detail {
namespace {

/// Such a byte is told as it is, and none of another script.
bool prints(char c) noexcept { return c >= ' ' && c <= '~'; }

/// Takes what stands behind a backslash off `text`: the byte that it means.
std::optional<char> take_escape(std::string_view& text) noexcept {
    if (text.empty()) return std::nullopt;
    std::size_t size = 1;
    unsigned value = static_cast<unsigned char>(text.front());
    if (is_digit(text.front())) {
        size = 3;
        if (text.size() < size || !is_digit(text[1]) || !is_digit(text[2])) return std::nullopt;
        value = 0;
        for (char const c : text.substr(0, size))
            value = value * 10 + static_cast<unsigned>(c - '0');
    }
    text.remove_prefix(size);
    if (value == 0 || value > 0xff) return std::nullopt;
    return static_cast<char>(value);
}

/// Reads a name into `out`. What is wrong with it; null: nothing.
const char* read_labels(std::string_view text, checked_name& out) {
    std::size_t octets = 0;  // a dot counts as one
    std::size_t label = 0;
    while (!text.empty()) {
        char c = text.front();
        text.remove_prefix(1);
        if (c == '.') {
            if (std::exchange(label, 0) == 0) return "empty label";
            out.absolute = text.empty();
            if (out.absolute) return nullptr;
            ++octets;
            ++out.dots;
            out.text += '.';
            continue;
        }
        if (c == '\\') {
            auto const meant = take_escape(text);
            if (!meant) return "an escape that is none";
            c = *meant;
        } else if (!prints(c)) {
            return "a byte that has to be escaped";
        }
        if (++label > longest_label) return "label longer than 63 bytes";
        if (++octets > longest_name) return "longer than 253 bytes";
        append_label_byte(out.text, lower_case(c));
    }
    return label == 0 ? "empty label" : nullptr;
}

}  // namespace

checked_name check_record_name(std::string_view text) {
    checked_name name;
    if (text == ".") {
        name.kind = name_kind::host;
        name.absolute = true;
        return name;
    }
    name = check_name(text);
    auto const of_host = [](char c) { return c == '.' || is_name_byte(c); };
    bool const may_be_other = std::find(text.begin(), text.end(), '\\') != text.end() ||
        (std::all_of(text.begin(), text.end(), prints) &&
         !std::all_of(text.begin(), text.end(), of_host));
    if (name.kind != name_kind::bad || !may_be_other) return name;

    checked_name any;
    if (const char* const problem = read_labels(text, any))
        any.problem = problem;
    else
        any.kind = kind_of_name(any.text);
    return any;
}

}  // namespace green::detail
