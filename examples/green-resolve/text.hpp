#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace tool {

/// What can be shown of bytes that may be anything: control characters and what is no UTF-8 become
/// `\xNN`, and a long text is cut at the end.
std::string printable(std::string_view bytes);

/// A JSON string with its quotes. `text` is printable.
void append_json_string(std::string& out, std::string_view text);
/// A field of a CSV row, in quotes where RFC 4180 wants them.
void append_csv_field(std::string& out, std::string_view text);

double milliseconds(std::chrono::nanoseconds d) noexcept;
/// "0.34 ms", "12.3 ms", "1.20 s": three digits.
std::string duration_text(std::chrono::nanoseconds d);
/// printf into a string, for numbers.
std::string formatted(const char* format, double value);

}  // namespace tool
