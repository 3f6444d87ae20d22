#pragma once

#include <green/core/config.hpp>

#include <chrono>
#include <source_location>
#include <string>
#include <string_view>

// How dumps and reports write places and times.

namespace green::detail {

/// The name of a function as people write it: no result type, arguments or template arguments, and a
/// lambda as `lambda in f()`. From what std::source_location and symbol tables give.
std::string short_function(std::string_view signature);

/// The path of a source without the steps up from where the compiler was: `tests/a.cpp` of
/// `../../tests/a.cpp` and of `/home/me/build/../tests/a.cpp`.
std::string_view short_file(std::string_view path) noexcept;

/// `main.cpp:12 in f()`; `an unknown place` for one that is not known.
std::string describe(const std::source_location& where);

/// `2.5 s`, `300 ms`, `1.5 h`: three digits or so.
std::string describe(std::chrono::nanoseconds d);

}  // namespace green::detail
