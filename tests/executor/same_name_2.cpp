#include "executor/loop_back.hpp"
#include "executor/same_name.hpp"

namespace {

int function() { return 20; }
constexpr auto lambda = [] { return 21; };
struct functor {
    int add;
    int operator()() const { return 20 + add; }
};

}  // namespace

namespace green_test {

green::byte_buffer call_function_2() { return request_of(function); }
green::byte_buffer call_lambda_2() { return request_of(lambda); }
green::byte_buffer call_functor_2() { return request_of(functor{2}); }

}  // namespace green_test
