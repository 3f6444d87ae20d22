#pragma once

#include <green/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

namespace green::testing {

// Numbers of the IANA registry, here once more so that what is tested is not what it is tested with.
inline constexpr std::uint16_t type_a = 1;
inline constexpr std::uint16_t type_ns = 2;
inline constexpr std::uint16_t type_cname = 5;
inline constexpr std::uint16_t type_soa = 6;
inline constexpr std::uint16_t type_ptr = 12;
inline constexpr std::uint16_t type_mx = 15;
inline constexpr std::uint16_t type_txt = 16;
inline constexpr std::uint16_t type_aaaa = 28;
inline constexpr std::uint16_t type_srv = 33;
inline constexpr std::uint16_t type_naptr = 35;
inline constexpr std::uint16_t type_opt = 41;
inline constexpr std::uint16_t type_tlsa = 52;
inline constexpr std::uint16_t type_svcb = 64;
inline constexpr std::uint16_t type_https = 65;
inline constexpr std::uint16_t type_any = 255;
inline constexpr std::uint16_t type_caa = 257;

/// A record without its owner: a type and the bytes of its data. The functions below make some; what
/// they do not know is `dns_record{type, bytes}`. Names in them are without a final dot; "" is the
/// root.
struct dns_record {
    std::uint16_t type = 0;
    std::vector<std::byte> data;
};

dns_record address_record(const address& ip);  ///< A or AAAA
dns_record ns_record(std::string_view host);
dns_record cname_record(std::string_view target);
dns_record ptr_record(std::string_view name);
dns_record mx_record(std::uint16_t preference, std::string_view exchange);

/// Each string has 255 bytes at most: std::length_error.
dns_record txt_record(std::initializer_list<std::string_view> strings);

dns_record srv_record(
    std::uint16_t priority, std::uint16_t weight, std::uint16_t port, std::string_view target
);
dns_record soa_record(
    std::string_view primary, std::string_view mailbox, std::uint32_t serial, std::uint32_t minimum
);
dns_record caa_record(std::uint8_t flags, std::string_view tag, std::string_view value);
dns_record naptr_record(
    std::uint16_t order,
    std::uint16_t preference,
    std::string_view flags,
    std::string_view services,
    std::string_view regexp,
    std::string_view replacement
);
dns_record tlsa_record(
    std::uint8_t usage,
    std::uint8_t selector,
    std::uint8_t matching,
    std::span<const std::byte> data
);

/// `params` are those of RFC 9460, 2.2, on the wire. `type` is type_svcb or type_https.
dns_record svcb_record(
    std::uint16_t type,
    std::uint16_t priority,
    std::string_view target,
    std::span<const std::byte> params = {}
);

/// A name on the wire, uncompressed; a backslash makes a dot behind it a part of a label. A label has 63
/// bytes at most: std::length_error.
std::vector<std::byte> wire_name(std::string_view name);

/// The bytes of a text.
std::vector<std::byte> to_bytes(std::string_view text);

}  // namespace green::testing
