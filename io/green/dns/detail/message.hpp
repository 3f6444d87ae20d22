#pragma once

#include <green/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace green::detail {

enum class record_type : std::uint16_t {
    a = 1,
    ns = 2,
    cname = 5,
    soa = 6,
    ptr = 12,
    mx = 15,
    txt = 16,
    aaaa = 28,
    srv = 33,
    naptr = 35,
    opt = 41,
    caa = 257,
};

/// RFC 1035, 4.1.1. Others exist and are kept as their number.
enum class response_code : std::uint8_t {
    no_error = 0,
    format_error = 1,
    server_failure = 2,
    name_error = 3,
    not_implemented = 4,
    refused = 5,
};

/// Reads a DNS message without ever leaving it: a read past the end yields zero and makes `ok()`
/// false for good, so that one test at the end of a record is enough.
class message_reader {
public:
    explicit message_reader(std::span<const std::byte> message) noexcept : message_(message) {}

    bool ok() const noexcept { return ok_; }
    std::size_t position() const noexcept { return at_; }
    std::size_t left() const noexcept { return message_.size() - at_; }

    std::uint8_t u8() noexcept;
    std::uint16_t u16() noexcept;
    std::uint32_t u32() noexcept;
    std::span<const std::byte> bytes(std::size_t count) noexcept;
    void move_to(std::size_t position) noexcept;

    /// Moves behind a name and returns where it starts. A name is fine when its labels, followed
    /// through at most 127 compression pointers that lead strictly backwards, end within 255 bytes
    /// (RFC 1035, 4.1.4). The direction makes a loop impossible, the count keeps it cheap.
    std::size_t skip_name() noexcept;

    /// A name that `skip_name` accepted, lower-cased, without the final dot. A dot or a backslash
    /// inside a label is escaped with a backslash, what does not print as `\DDD` (RFC 4343, 2.1).
    std::string name_at(std::size_t position) const;

    /// Whether two names that `skip_name` accepted are the same without case. Allocates nothing.
    bool same_name(std::size_t a, std::size_t b) const noexcept;

private:
    std::span<const std::byte> label_at(std::size_t& position) const noexcept;

    std::span<const std::byte> message_;
    std::size_t at_ = 0;
    bool ok_ = true;
};

/// What an answer says about one name: the addresses, or why there are none.
struct dns_message {
    std::uint16_t id = 0;
    response_code rcode = response_code::no_error;
    bool authoritative = false;
    bool truncated = false;
    record_type type{};  // of the question
    std::string question;  // as `name_at`
    std::string canonical;  // where the CNAME chain ends; empty without a chain
    std::vector<address> addresses;  // of the question or the end of its chain, if it is A or AAAA
    std::uint32_t ttl = 0;  // seconds; the least of the addresses and the chain

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
