#pragma once

#include <green/net/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

/// Bytes of a name as text; on the wire it has two more (RFC 1035, 2.3.4).
inline constexpr std::size_t longest_name = 253;
inline constexpr std::size_t longest_label = 63;

/// What is to be done with the text that a user gave as a host.
enum class name_kind : std::uint8_t {
    host,  ///< an ordinary name: hosts file, cache, servers
    literal,  ///< an IP address; nothing to look up
    localhost,  ///< `localhost` and everything below it: the loopback addresses (RFC 6761, 6.3)
    never,  ///< `.onion` (RFC 7686) and `.invalid` (RFC 6761): does not exist, nothing is sent
    bad,  ///< not a host name; `problem` says why
};

struct checked_name {
    name_kind kind = name_kind::bad;
    bool absolute = false;  ///< ended in a dot: no search list
    unsigned dots = 0;  ///< inside the name, for `ndots`
    std::string text;  ///< lower-cased, without the final dot
    std::optional<address> literal;  ///< with port 0
    std::string_view problem;  ///< of static storage
};

/// Judges and normalises a host name. ASCII letters, digits, `-`, `_` and `.` make a name; one in
/// another script becomes its A-labels first (see `to_a_labels`). A text that inet_aton(3) would read
/// as an address and `address::parse` would not, such as `10.1` or `0x7f.1`, is bad: a filter for
/// addresses that lets it through as a name must not find it turned into an address later. So are
/// the digits of other scripts that would make an address.
///
/// `.local` is a name like others, for the servers: names of multicast DNS are for
/// `getaddrinfo_system`. The other names of RFC 6761 (`.test`, `.example`, private reverse zones) are
/// asked for as well, as the RFC has it for resolvers that have no zones of their own.
checked_name check_name(std::string_view host);

/// Of a name as `checked_name::text` has it: whether it means this machine, nothing, or has to be asked
/// for.
name_kind kind_of_name(std::string_view name);

/// A quick look at what nearly every name is: an ordinary one in lower case without a final dot. Then
/// check_name would call it a host and leave it as it is, and this is the number of its dots. Empty
/// for all others, and when in doubt.
std::optional<unsigned> dots_of_plain_name(std::string_view host) noexcept;

/// The names to ask for, in order, as glibc has them: with `ndots` dots or more the name as it is comes
/// first, with fewer it comes last, or where the list has the root, which is an empty text. Each
/// once; candidates longer than 253 bytes are left out.
std::vector<std::string> search_candidates(
    const checked_name& name, std::span<const std::string> search, unsigned ndots
);

/// For messages: bytes that do not print become `\xNN`, and a text over 80 bytes is shortened.
std::string printable_name(std::string_view name);

std::string lower_case(std::string_view text);

constexpr char lower_case(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// May stand in a label of a host name.
constexpr bool is_name_byte(char c) noexcept {
    return is_digit(c) || (lower_case(c) >= 'a' && lower_case(c) <= 'z') || c == '-' || c == '_';
}

/// A byte of a label as text (RFC 4343, 2.1): a dot and a backslash behind a backslash, what does not
/// print and the blank as `\DDD`.
void append_label_byte(std::string& out, char c);

/// Between the words of hosts(5) and resolv.conf(5).
constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

}  // namespace green::detail
