#include "executor/plugin.hpp"

#include "executor/loop_back.hpp"

#include <cstdlib>

namespace {

int function(int n) { return GREEN_PLUGIN_VALUE + n; }
constexpr auto lambda = [](int n) { return 10 * GREEN_PLUGIN_VALUE + n; };
struct functor {
    std::string text;
    int operator()(int n) const { return GREEN_PLUGIN_VALUE * n + static_cast<int>(text.size()); }
};

}  // namespace

extern "C" void green_test_make_request(green_test::plugin_request kind, green::byte_buffer& to) {
    using green_test::plugin_request;
    using green_test::request_of;
    if (kind == plugin_request::function) to = request_of(function, 1);
    if (kind == plugin_request::lambda) to = request_of(lambda, 1);
    if (kind == plugin_request::functor) to = request_of(functor{"four"}, 2);
    if (kind == plugin_request::foreign)
        to = request_of(static_cast<int (*)(int)>(std::abs), -9);  // of the C library
}
