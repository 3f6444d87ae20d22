// expect alone: green: submit takes a callable and the arguments to call it with
#include <green/executor/remote_function.hpp>

void f(green::encoder& e) { green::detail::encode_call(e, 5); }
