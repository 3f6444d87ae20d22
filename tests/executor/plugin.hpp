#pragma once

#include <green/executor/byte_buffer.hpp>

// A shared library that is opened at run time. Its functions have the same names as those of the
// program that opens it.

namespace green_test {

enum class plugin_request { function, lambda, functor, foreign };

using make_request = void (*)(plugin_request kind, green::byte_buffer& to);

}  // namespace green_test
