#pragma once

#include <green/net/address.hpp>
#include <green/testing/dns_record.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace green::testing {

inline constexpr int rcode_format_error = 1;
inline constexpr int rcode_server_failure = 2;
inline constexpr int rcode_not_found = 3;
inline constexpr int rcode_not_implemented = 4;
inline constexpr int rcode_refused = 5;

/// The part of a query that a server looks at.
struct dns_question {
    std::uint16_t id = 0;
    std::string name;  // as asked, without the final dot; a dot in a label is `\.`
    std::uint16_t type = 0;
    bool recursion = false;
    bool edns = false;
    std::size_t payload = 512;  // bytes that a reply over UDP may have

    /// Empty when it is not a query with one plain question.
    static std::optional<dns_question> read(std::span<const std::byte> packet);
};

/// Builds a DNS message. Records are to be added section by section: answers, authorities, others.
class dns_packet {
public:
    enum class section { answer = 6, authority = 8, additional = 10 };

    /// A reply to `question` with rcode 0.
    explicit dns_packet(const dns_question& question);

    dns_packet& rcode(int code);
    dns_packet& truncated();

    /// An A or AAAA record, as the address is.
    dns_packet& ip(std::string_view owner, const address& value, std::uint32_t ttl);
    dns_packet& cname(std::string_view owner, std::string_view target, std::uint32_t ttl);
    dns_packet& soa(std::string_view zone, std::uint32_t ttl, std::uint32_t minimum);
    dns_packet& opt(std::uint16_t payload = 1232);

    /// Any record, counted in `where`.
    dns_packet& record(
        section where, std::string_view owner, const dns_record& value, std::uint32_t ttl
    );

    const std::vector<std::byte>& bytes() const { return bytes_; }

private:
    void u16(unsigned value);
    void u32(std::uint32_t value);
    void owner_name(std::string_view name);

    std::string question_;
    std::vector<std::byte> bytes_;
};

}  // namespace green::testing
