#pragma once

#include <green/executor/byte_buffer.hpp>

// Two files with functions, lambdas and types of the same names. Each makes requests to call its own.

namespace green_test {

green::byte_buffer call_function_1();
green::byte_buffer call_function_2();
green::byte_buffer call_lambda_1();
green::byte_buffer call_lambda_2();
green::byte_buffer call_functor_1();
green::byte_buffer call_functor_2();

}  // namespace green_test
