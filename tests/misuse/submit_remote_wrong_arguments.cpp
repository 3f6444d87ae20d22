// expect alone: green: submit takes a callable and the arguments to call it with
#include <green/executor/remote_function.hpp>

int length(const std::string& text);
void f(green::encoder& e) { green::detail::encode_call(e, length, 3.0, 4); }
