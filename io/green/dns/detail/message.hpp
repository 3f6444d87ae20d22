#pragma once

#include <green/dns/detail/message_reader.hpp>
#include <green/dns/detail/record_type.hpp>
#include <green/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace green::detail {

/// RFC 1035, 4.1.1. Others exist and are kept as their number.
enum class response_code : std::uint8_t {
    no_error = 0,
    format_error = 1,
    server_failure = 2,
    name_error = 3,
    not_implemented = 4,
    refused = 5,
};

/// What an answer says about one name: the addresses, or why there are none.
struct dns_message {
    std::uint16_t id = 0;
    response_code rcode = response_code::no_error;
    bool authoritative = false;
    bool truncated = false;
    record_type type{};  // of the question
    std::string canonical;  // where the CNAME chain ends, as `name_at`; empty without a chain
    std::vector<address> addresses;  // of the question or the end of its chain, if it is A or AAAA
    std::size_t records = 0;  // of the type asked, of the question or the end of its chain
    std::uint32_t ttl = 0;  // seconds; the least of these records and the chain

    /// Seconds for which "does not exist" or "has no data" holds: the lesser of the TTL and the
    /// MINIMUM of the SOA record in the authority section (RFC 2308, 5). Empty without a SOA: then
    /// a negative answer is not to be cached.
    std::optional<std::uint32_t> negative_ttl;
};

/// Reads an answer with exactly one question, of class IN. Empty when the message is not an answer,
/// is malformed anywhere in its answer or authority section, or its CNAME chain loops or has more
/// than 16 links.
std::optional<dns_message> parse_message(std::span<const std::byte> message);

}  // namespace green::detail
