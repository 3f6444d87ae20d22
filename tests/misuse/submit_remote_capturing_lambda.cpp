// expect alone: green: this callable cannot be sent to another process: submit a function
#include <green/executor/remote_function.hpp>

void f(green::encoder& e, int n) {
    green::detail::encode_call(e, [n] { return n; });
}
