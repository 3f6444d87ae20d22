#pragma once

#include <green/dns/dns_error.hpp>
#include <green/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace green::detail {

/// What the servers said about a question.
struct dns_answer {
    std::optional<dns_errc> error;
    std::vector<address> addresses;  // of A and AAAA
    std::vector<std::byte> packet;  // of other types: the whole message
    std::optional<std::uint32_t> ttl;  // seconds; empty: nobody said for how long it holds
    std::uint16_t server = 0;  // who said so, or was asked last
    std::uint16_t tries = 0;

    /// The name does not exist or has no such record: as good an answer as any.
    bool negative() const noexcept {
        return error == dns_errc::not_found || error == dns_errc::no_data;
    }
    /// No server could say.
    bool failure() const noexcept { return error && !negative(); }
};

}  // namespace green::detail
