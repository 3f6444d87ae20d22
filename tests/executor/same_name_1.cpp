#include "executor/loop_back.hpp"
#include "executor/same_name.hpp"

namespace {

int function() { return 10; }
constexpr auto lambda = [] { return 11; };
struct functor {
    int add;
    int operator()() const { return 10 + add; }
};

}  // namespace

namespace green_test {

green::byte_buffer call_function_1() { return request_of(function); }
green::byte_buffer call_lambda_1() { return request_of(lambda); }
green::byte_buffer call_functor_1() { return request_of(functor{2}); }

}  // namespace green_test
