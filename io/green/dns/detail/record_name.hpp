#pragma once

#include <green/dns/detail/name.hpp>

#include <string_view>

namespace green::detail {

/// Judges and normalises a name whose records are asked for. Unlike that of a host it may have any bytes
/// but 0 in its labels, such as `My Printer._ipp._tcp.example.org` (RFC 6763, 4.1.1), and "." is the
/// root. In its text a backslash takes the meaning off the character behind it, and `\DDD` is the byte
/// of that number (RFC 1035, 5.1). What does not print has to be written so; other scripts in a name
/// without a backslash are those of a host name and become A-labels.
///
/// The text of the result is in lower case, with escapes as `message_reader::name_at` has them.
checked_name check_record_name(std::string_view text);

}  // namespace green::detail
