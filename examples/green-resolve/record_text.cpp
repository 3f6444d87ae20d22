#include "record_text.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace tool {
namespace {

// Keys of service bindings (RFC 9460, 14.3.2) that have words for their values.
constexpr std::uint16_t key_alpn = 1;
constexpr std::uint16_t key_no_default_alpn = 2;
constexpr std::uint16_t key_port = 3;
constexpr std::uint16_t key_ipv4hint = 4;
constexpr std::uint16_t key_ipv6hint = 6;

/// The fields of a line, with blanks between.
class fields {
public:
    fields& add(std::string_view text) {
        if (!line_.empty()) line_ += ' ';
        line_ += text;
        return *this;
    }
    fields& add(std::uint64_t n) { return add(std::to_string(n)); }
    fields& add(std::chrono::seconds n) { return add(std::to_string(n.count())); }
    fields& name(std::string_view n) { return add(n.empty() ? "." : n); }
    fields& quoted(std::string_view text) {
        std::string field = "\"";
        for (char c : text) {
            if (c == '"' || c == '\\') field += '\\';
            field += c;
        }
        return add(field + '"');
    }
    std::string take() { return std::move(line_); }

private:
    std::string line_;
};

std::string hex(std::span<const std::byte> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::byte b : bytes) {
        auto const n = std::to_integer<unsigned>(b);
        text += digits[n >> 4U];
        text += digits[n & 15U];
    }
    return text;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ",") + word;
    return text;
}

std::string hints(const green::svcb& r, green::address_family family) {
    std::vector<std::string> words;
    for (const green::address& a : r.hints()) {
        if (a.family() == family) words.push_back(a.ip());
    }
    return joined(words);
}

std::string text_of(const green::svcb& r, const green::svc_param& p) {
    switch (p.key) {
    case key_alpn: return "alpn=" + joined(r.alpn());
    case key_no_default_alpn: return "no-default-alpn";
    case key_port: return "port=" + std::to_string(r.port().value_or(0));
    case key_ipv4hint: return "ipv4hint=" + hints(r, green::address_family::ipv4);
    case key_ipv6hint: return "ipv6hint=" + hints(r, green::address_family::ipv6);
    default: return "key" + std::to_string(p.key) + "=" + hex(p.value);
    }
}

}  // namespace

std::string text_of(const green::a& r) { return r.address.ip(); }
std::string text_of(const green::aaaa& r) { return r.address.ip(); }
std::string text_of(const green::cname& r) { return fields().name(r.target).take(); }
std::string text_of(const green::ns& r) { return fields().name(r.nsdname).take(); }
std::string text_of(const green::ptr& r) { return fields().name(r.ptrdname).take(); }

std::string text_of(const green::caa& r) {
    return fields().add(std::uint64_t{r.flags}).add(r.tag).quoted(r.value).take();
}

std::string text_of(const green::mx& r) {
    return fields().add(std::uint64_t{r.preference}).name(r.exchange).take();
}

std::string text_of(const green::naptr& r) {
    fields line;
    line.add(std::uint64_t{r.order}).add(std::uint64_t{r.preference});
    line.quoted(r.flags).quoted(r.services).quoted(r.regexp).name(r.replacement);
    return line.take();
}

std::string text_of(const green::soa& r) {
    fields line;
    line.name(r.mname).name(r.rname).add(std::uint64_t{r.serial});
    line.add(r.refresh).add(r.retry).add(r.expire).add(r.minimum);
    return line.take();
}

std::string text_of(const green::srv& r) {
    fields line;
    line.add(std::uint64_t{r.priority}).add(std::uint64_t{r.weight}).add(std::uint64_t{r.port});
    return line.name(r.target).take();
}

std::string text_of(const green::https& r) { return text_of(static_cast<const green::svcb&>(r)); }

std::string text_of(const green::svcb& r) {
    fields line;
    line.add(std::uint64_t{r.priority}).name(r.target);
    for (const green::svc_param& p : r.params) line.add(text_of(r, p));
    return line.take();
}

std::string text_of(const green::tlsa& r) {
    fields line;
    line.add(std::uint64_t{r.usage}).add(std::uint64_t{r.selector});
    return line.add(std::uint64_t{r.matching_type}).add(hex(r.data)).take();
}

std::string text_of(const green::txt& r) {
    fields line;
    for (const std::string& s : r.strings) line.quoted(s);
    return line.take();
}

}  // namespace tool
