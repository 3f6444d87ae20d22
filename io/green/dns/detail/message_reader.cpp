#include <green/dns/detail/message_reader.hpp>

#include <green/dns/detail/name.hpp>

#include <algorithm>

namespace green::detail {

namespace {

constexpr std::size_t longest_wire_name = 255;
constexpr int most_pointers = 127;  // as many as a name can have labels

bool is_pointer(std::uint8_t head) { return (head & 0xc0) == 0xc0; }

std::size_t pointer_target(std::uint8_t head, std::uint8_t low) {
    return (static_cast<std::size_t>(head & 0x3f) << 8) | low;
}

}  // namespace

std::size_t message_reader::skip_name() noexcept {
    const auto start = at_;
    const auto size = message_.size();
    const auto octet = [&](std::size_t i) { return std::to_integer<std::uint8_t>(message_[i]); };
    std::size_t at = at_;
    std::size_t segment = at_;  // start of the labels that are being read
    std::size_t length = 1;  // on the wire, uncompressed, with the root label
    int pointers = 0;
    while (ok_) {
        if (at >= size) break;
        const auto head = octet(at);
        if (head == 0) {
            if (pointers == 0) at_ = at + 1;
            return start;
        }
        if (is_pointer(head)) {
            if (at + 1 >= size) break;
            const auto target = pointer_target(head, octet(at + 1));
            if (target >= segment || pointers == most_pointers) break;
            if (pointers++ == 0) at_ = at + 2;
            at = segment = target;
            continue;
        }
        if (head > 63) break;  // the label types 01 and 10 never came into use
        length += head + 1u;
        if (length > longest_wire_name || head >= size - at) break;
        at += head + 1u;
    }
    ok_ = false;
    return start;
}

std::span<const std::byte> message_reader::label_at(std::size_t& position) const noexcept {
    auto head = std::to_integer<std::uint8_t>(message_[position]);
    while (is_pointer(head)) {
        position = pointer_target(head, std::to_integer<std::uint8_t>(message_[position + 1]));
        head = std::to_integer<std::uint8_t>(message_[position]);
    }
    const auto label = message_.subspan(position + 1, head);
    position += head + 1u;
    return label;
}

template <class F>
std::string message_reader::spell(std::size_t position, F letter) const {
    std::string out;
    for (auto label = label_at(position); !label.empty(); label = label_at(position)) {
        if (!out.empty()) out += '.';
        for (const auto b : label) append_label_byte(out, letter(static_cast<char>(b)));
    }
    return out;
}

std::string message_reader::name_at(std::size_t position) const {
    return spell(position, [](char c) { return lower_case(c); });
}

std::string message_reader::text_at(std::size_t position) const {
    return spell(position, [](char c) { return c; });
}

bool message_reader::same_name(std::size_t a, std::size_t b) const noexcept {
    const auto same_byte = [](std::byte x, std::byte y) {
        return lower_case(static_cast<char>(x)) == lower_case(static_cast<char>(y));
    };
    for (;;) {
        const auto left = label_at(a);
        const auto right = label_at(b);
        if (!std::equal(left.begin(), left.end(), right.begin(), right.end(), same_byte)) {
            return false;
        }
        if (left.empty() || a == b) return true;
    }
}

}  // namespace green::detail
