// expect alone: green: an argument of this job cannot be sent to another process: take values
#include <green/executor/remote_function.hpp>

int sum(const int* numbers);
void f(green::encoder& e, const int* numbers) { green::detail::encode_call(e, sum, numbers); }
