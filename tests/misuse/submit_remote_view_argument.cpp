// expect alone: green: an argument of this job cannot be sent to another process: take values
#include <green/executor/remote_function.hpp>

#include <string_view>

int length(std::string_view text);
void f(green::encoder& e) { green::detail::encode_call(e, length, "text"); }
