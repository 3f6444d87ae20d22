// expect alone: green: this callable cannot be sent to another process: submit a function
#include <green/executor/remote_function.hpp>

#include <functional>

void f(green::encoder& e, const std::function<int()>& g) { green::detail::encode_call(e, g); }
