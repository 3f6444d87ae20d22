// expect alone: green: a job in another process cannot be a coroutine: there is no loop in a worker
#include <green/executor/remote_function.hpp>

green::task<int> g();
void f(green::encoder& e) { green::detail::encode_call(e, g); }
