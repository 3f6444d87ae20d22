#include <green/testing/dns_packet.hpp>

#include <algorithm>

namespace green::testing {

namespace {

std::byte to_byte(unsigned value) { return static_cast<std::byte>(value & 0xff); }

}  // namespace

std::optional<dns_question> dns_question::read(std::span<const std::byte> packet) {
    const auto octet = [&](std::size_t i) { return std::to_integer<unsigned>(packet[i]); };
    const auto u16 = [&](std::size_t i) {
        return static_cast<std::uint16_t>(octet(i) << 8 | octet(i + 1));
    };
    if (packet.size() < 12 || u16(4) != 1 || (u16(2) & 0xf800) != 0) return std::nullopt;
    dns_question question;
    question.id = u16(0);
    question.recursion = u16(2) & 0x0100;
    question.edns = u16(10) != 0;
    std::size_t at = 12;
    for (;;) {
        if (at >= packet.size()) return std::nullopt;
        const auto length = octet(at);
        if (length > 63 || at + 1 + length > packet.size()) return std::nullopt;
        ++at;
        if (length == 0) break;
        if (!question.name.empty()) question.name += '.';
        for (std::size_t i = 0; i < length; ++i) {
            const auto c = static_cast<char>(octet(at + i));
            if (c == '.' || c == '\\') question.name += '\\';
            question.name += c;
        }
        at += length;
    }
    if (at + 4 > packet.size()) return std::nullopt;
    question.type = u16(at);
    at += 4;
    // The OPT record of RFC 6891, 6.1.2: its owner is the root, its class the payload.
    if (question.edns && at + 5 <= packet.size() && octet(at) == 0 && u16(at + 1) == type_opt) {
        question.payload = std::max<std::size_t>(512, u16(at + 3));
    }
    return question;
}

dns_packet::dns_packet(const dns_question& question) : question_(question.name) {
    u16(question.id);
    u16(0x8080u | (question.recursion ? 0x0100u : 0u));  // a response, recursion available
    u16(1);
    u32(0);
    u16(0);
    const auto name = wire_name(question.name);
    bytes_.insert(bytes_.end(), name.begin(), name.end());
    u16(question.type);
    u16(1);
}

dns_packet& dns_packet::rcode(int code) {
    bytes_[3] = (bytes_[3] & std::byte{0xf0}) | to_byte(static_cast<unsigned>(code) & 0x0f);
    return *this;
}

dns_packet& dns_packet::truncated() {
    bytes_[2] |= std::byte{0x02};
    return *this;
}

dns_packet& dns_packet::ip(std::string_view owner, const address& value, std::uint32_t ttl) {
    return record(section::answer, owner, address_record(value), ttl);
}

dns_packet& dns_packet::cname(std::string_view owner, std::string_view target, std::uint32_t ttl) {
    return record(section::answer, owner, cname_record(target), ttl);
}

dns_packet& dns_packet::soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum) {
    const auto of_zone = std::string(zone);
    const auto value = soa_record("ns." + of_zone, "hostmaster." + of_zone, 1, minimum);
    return record(section::authority, zone, value, ttl);
}

dns_packet& dns_packet::opt(std::uint16_t payload) {
    bytes_.push_back(std::byte{0});
    u16(type_opt);
    u16(payload);
    u32(0);
    u16(0);
    const auto count = static_cast<std::size_t>(section::additional);
    bytes_[count + 1] = to_byte(std::to_integer<unsigned>(bytes_[count + 1]) + 1);
    return *this;
}

dns_packet& dns_packet::record(
    section where, std::string_view owner, const dns_record& value, std::uint32_t ttl
) {
    owner_name(owner);
    u16(value.type);
    u16(1);
    u32(ttl);
    u16(static_cast<unsigned>(value.data.size()));
    bytes_.insert(bytes_.end(), value.data.begin(), value.data.end());
    const auto count = static_cast<std::size_t>(where);
    const auto records = (std::to_integer<unsigned>(bytes_[count]) << 8 |
                          std::to_integer<unsigned>(bytes_[count + 1])) +
        1;
    bytes_[count] = to_byte(records >> 8);
    bytes_[count + 1] = to_byte(records);
    return *this;
}

/// A pointer to the question where that is the name, as real servers do it.
void dns_packet::owner_name(std::string_view name) {
    if (name == question_) {
        u16(0xc00c);
        return;
    }
    const auto wire = wire_name(name);
    bytes_.insert(bytes_.end(), wire.begin(), wire.end());
}

void dns_packet::u16(unsigned value) {
    bytes_.push_back(to_byte(value >> 8));
    bytes_.push_back(to_byte(value));
}

void dns_packet::u32(std::uint32_t value) {
    u16(value >> 16);
    u16(value & 0xffff);
}

}  // namespace green::testing
