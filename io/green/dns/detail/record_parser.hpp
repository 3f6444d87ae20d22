#pragma once

#include <green/dns/detail/record_type.hpp>
#include <green/dns/records.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

namespace green::detail {

/// The number of a record's type; `record_type{}` for what is no record.
template <class Record>
constexpr record_type type_of() noexcept {
    if constexpr (std::is_same_v<Record, a>) return record_type::a;
    if constexpr (std::is_same_v<Record, aaaa>) return record_type::aaaa;
    if constexpr (std::is_same_v<Record, cname>) return record_type::cname;
    if constexpr (std::is_same_v<Record, mx>) return record_type::mx;
    if constexpr (std::is_same_v<Record, txt>) return record_type::txt;
    if constexpr (std::is_same_v<Record, srv>) return record_type::srv;
    if constexpr (std::is_same_v<Record, ns>) return record_type::ns;
    if constexpr (std::is_same_v<Record, ptr>) return record_type::ptr;
    if constexpr (std::is_same_v<Record, soa>) return record_type::soa;
    if constexpr (std::is_same_v<Record, caa>) return record_type::caa;
    if constexpr (std::is_same_v<Record, naptr>) return record_type::naptr;
    if constexpr (std::is_same_v<Record, svcb>) return record_type::svcb;
    if constexpr (std::is_same_v<Record, https>) return record_type::https;
    if constexpr (std::is_same_v<Record, tlsa>) return record_type::tlsa;
    return record_type{};
}

/// The records that a DNS message has for its question: those of its type, of the name asked or of
/// the end of its CNAME chain. `age` is taken off their TTLs. Empty when the message cannot be read
/// or one of the records is malformed.
///
/// Defined for every Record that has a type, and sorted as that says.
template <class Record>
std::optional<std::vector<Record>> parse_records(
    std::span<const std::byte> message, std::chrono::seconds age
);

/// The same of any type.
std::optional<std::vector<raw_record>> parse_raw_records(
    std::span<const std::byte> message, std::chrono::seconds age
);

}  // namespace green::detail
