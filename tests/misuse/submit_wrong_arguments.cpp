// expect alone: green: submit takes a callable and the arguments to call it with
#include <green/executor/thread_executor.hpp>

#include <string>

int f(int n) { return n; }

void g(green::thread_executor& pool) { pool.submit(f, std::string("one")); }
