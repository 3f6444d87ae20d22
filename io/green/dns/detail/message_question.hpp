#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace green::detail {

// What a query and its answer have in common, read without a parse: the id and the question.

/// Of a message; of less than twelve bytes nothing is true.
struct message_header {
    std::uint16_t id = 0;
    bool is_answer = false;  // to a standard query
    bool format_error = false;
};
message_header read_header(std::span<const std::byte> message) noexcept;

/// 64 bits that nobody outside can foresee. A system call gives many.
std::uint64_t unforeseeable_bits() noexcept;

/// Writes `name`, as check_name and check_record_name give it, as every c-ares reads it: `\DDD` becomes
/// that byte. Its n-th letter is in upper case where bit n (modulo 64) is set. A server echoes the
/// question as it came, so who forges an answer has to guess these bits too
/// (draft-vixie-dnsext-dns0x20). Returns the end; `out` has room for as many bytes as `name` has.
char* mix_case(std::string_view name, std::uint64_t bits, char* out) noexcept;

/// Whether the question of a message has the case that `mix_case` gave it. False without a question.
bool has_case(std::span<const std::byte> message, std::uint64_t bits) noexcept;

/// Takes the case of `mix_case` back: makes the letters of the question's name small, and with it those
/// of the names in the message that point there.
void fold_case(std::span<std::byte> message) noexcept;

/// A number for the question section of a message, the same for every case of its letters; 0 when it is
/// not exactly one whole question.
std::uint64_t question_number(std::span<const std::byte> message) noexcept;

}  // namespace green::detail
