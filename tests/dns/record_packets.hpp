#pragma once

#include "support/random.hpp"

#include <green/testing/dns_packet.hpp>
#include <green/testing/dns_record.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace green::test {

/// A reply with records of a type, behind a CNAME unless they are the zone's or CNAMEs themselves.
inline std::vector<std::byte> packet_of(
    std::uint16_t type, const std::vector<testing::dns_record>& records
) {
    testing::dns_question question;
    question.name = "www.example.test";
    question.type = type;
    testing::dns_packet packet(question);
    std::string owner = question.name;
    if (type != testing::type_cname && type != testing::type_soa) {
        packet.cname(owner, "real.example.test", 100);
        owner = "real.example.test";
    }
    for (auto const& r : records)
        packet.record(testing::dns_packet::section::answer, owner, r, 300);
    return packet.bytes();
}

/// Truncates, flips and copies bytes about.
inline std::vector<std::byte> damaged(
    std::vector<std::byte> packet, green_test::random_source& random
) {
    auto const any = [&] {
        return static_cast<std::size_t>(random.below(static_cast<int>(packet.size())));
    };
    if (random.one_in(3)) packet.resize(any());
    for (int i = random.below(6); i > 0 && !packet.empty(); --i) {
        std::size_t const at = any();
        switch (random.below(4)) {
        case 0: packet[at] = static_cast<std::byte>(random.below(256)); break;
        case 1: packet[at] ^= static_cast<std::byte>(1 << random.below(8)); break;
        case 2: packet[at] = std::byte{0xc0}; break;  // a pointer
        default: packet[at] = packet[any()]; break;
        }
    }
    return packet;
}

}  // namespace green::test
