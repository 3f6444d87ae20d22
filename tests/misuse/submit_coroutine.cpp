// expect alone: green: a job cannot be a coroutine: there is no loop where it runs
#include <green/executor/thread_executor.hpp>

green::task<int> f(int n) { co_return n; }

void g(green::thread_executor& pool) { pool.submit(f, 1); }
