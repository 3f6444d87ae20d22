#pragma once

#include <green/dns/dns_error.hpp>
#include <green/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace green::detail {

/// The records of an answer.
struct dns_records {
    std::vector<address> addresses;  // of A and AAAA
    std::vector<std::byte> packet;  // of other types: the whole message
};

/// What the servers said about a question. A copy shares the records.
struct dns_answer {
    std::shared_ptr<const dns_records> records;  // null: none
    std::optional<std::uint32_t> ttl;  // seconds; empty: nobody said for how long it holds
    std::optional<dns_errc> error;
    std::uint16_t server = 0;  // who said so, or was asked last
    std::uint16_t tries = 0;

    std::span<const address> addresses() const noexcept {
        if (!records) return {};
        return records->addresses;
    }
    bool has_packet() const noexcept { return records && !records->packet.empty(); }

    /// The name does not exist or has no such record: as good an answer as any.
    bool negative() const noexcept {
        return error == dns_errc::not_found || error == dns_errc::no_data;
    }
    /// No server could say.
    bool failure() const noexcept { return error && !negative(); }
};

}  // namespace green::detail
