// expect alone: green: the result of this job cannot be sent back from another process: return a value
#include <green/executor/remote_function.hpp>

const char* g();
void f(green::encoder& e) { green::detail::encode_call(e, g); }
