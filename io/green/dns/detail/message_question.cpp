#include <green/dns/detail/message_question.hpp>

#include <green/dns/detail/name.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <sys/random.h>

namespace green::detail {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t type_and_class = 4;

std::uint8_t octet(std::byte b) noexcept { return std::to_integer<std::uint8_t>(b); }

bool is_letter(std::uint8_t c) noexcept { return static_cast<std::uint8_t>((c | 0x20) - 'a') < 26; }
bool bit(std::uint64_t bits, unsigned n) noexcept { return bits >> (n % 64) & 1; }

/// Calls `f` with each octet of the labels of the question's name; where the name ends, or 0 when it
/// does not end within the message or is compressed, which a question never is.
template <class F>
std::size_t for_each_octet(std::span<const std::byte> message, F f) noexcept {
    std::size_t at = header_size;
    while (at < message.size()) {
        std::size_t const length = octet(message[at++]);
        if (length == 0) return at;
        if (length > 63 || length > message.size() - at) return 0;
        for (std::byte const b : message.subspan(at, length)) f(octet(b));
        at += length;
    }
    return 0;
}

/// Where the name of the question ends; 0 as above.
std::size_t end_of_name(std::span<const std::byte> message) noexcept {
    std::size_t at = header_size;
    while (at < message.size()) {
        std::size_t const length = octet(message[at]);
        at += length + 1;
        if (length == 0) return at;
        if (length > 63) return 0;
    }
    return 0;
}

/// A word of a name with its letters made small. Some other octets become the same, and lengths that
/// differ by 32: what is found equal here is compared by c-ares once more.
std::uint64_t word_at(std::span<const std::byte> part) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, part.data(), std::min(part.size(), sizeof word));
    return word | 0x2020202020202020U;
}

}  // namespace

message_header read_header(std::span<const std::byte> message) noexcept {
    message_header header;
    if (message.size() < header_size) return header;
    header.id = static_cast<std::uint16_t>(octet(message[0]) << 8 | octet(message[1]));
    header.is_answer = (octet(message[2]) & 0xf8) == 0x80;  // QR, and the opcode 0
    header.format_error = (octet(message[3]) & 0x0f) == 1;
    return header;
}

std::uint64_t unforeseeable_bits() noexcept {
    thread_local std::array<std::uint64_t, 32> pool;
    thread_local std::size_t left = 0;
    if (left == 0) {
        // Up to 256 bytes come whole or not at all (getrandom(2)).
        while (getrandom(pool.data(), sizeof pool, 0) < 0 && errno == EINTR) {}
        left = pool.size();
    }
    return pool[--left];
}

char* mix_case(std::string_view name, std::uint64_t bits, char* out) noexcept {
    unsigned letters = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        char const c = name[i];
        if (is_letter(static_cast<std::uint8_t>(c))) {
            *out++ = static_cast<char>(c ^ (bit(bits, letters++) ? 0x20 : 0));
        } else if (c != '\\' || name.size() - i < 2) {
            *out++ = c;
        } else if (is_digit(name[i + 1]) && name.size() - i > 3) {
            auto const digit = [&](std::size_t at) { return name[i + at] - '0'; };
            *out++ = static_cast<char>(digit(1) * 100 + digit(2) * 10 + digit(3));
            i += 3;
        } else {
            *out++ = c;
            *out++ = name[++i];
        }
    }
    return out;
}

bool has_case(std::span<const std::byte> message, std::uint64_t bits) noexcept {
    unsigned letters = 0;
    bool same = true;
    std::size_t const end = for_each_octet(message, [&](std::uint8_t c) {
        if (is_letter(c)) same &= ((c & 0x20) == 0) == bit(bits, letters++);
    });
    return end != 0 && same;
}

void fold_case(std::span<std::byte> message) noexcept {
    std::size_t const end = end_of_name(message);
    for (std::size_t at = header_size; at < end; ++at) {  // the length of a label is no letter
        if (is_letter(octet(message[at]))) message[at] |= std::byte{0x20};
    }
}

std::uint64_t question_number(std::span<const std::byte> message) noexcept {
    if (message.size() < header_size || octet(message[4]) != 0 || octet(message[5]) != 1) return 0;
    std::size_t const end = end_of_name(message);
    if (end == 0 || message.size() - end < type_and_class) return 0;
    std::uint32_t type;
    std::memcpy(&type, message.data() + end, type_and_class);
    std::uint64_t number = type;
    for (auto name = message.subspan(header_size, end - header_size); !name.empty();) {
        number = (number ^ word_at(name)) * 0x9e3779b97f4a7c15U;  // 2^64 / golden ratio
        number ^= number >> 32;
        name = name.subspan(std::min(name.size(), sizeof number));
    }
    return number | 1;
}

}  // namespace green::detail
