// expect alone: green: a job in another process cannot change what its caller owns
#include <green/executor/remote_function.hpp>

void add(int& to);
void f(green::encoder& e, int n) { green::detail::encode_call(e, add, n); }
