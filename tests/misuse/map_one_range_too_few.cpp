// expect alone: green: map takes a copyable callable and ranges of arguments to call it with
#include <green/executor/thread_executor.hpp>

#include <vector>

int add(int x, int y) { return x + y; }

void g(green::thread_executor& pool) { pool.map(add, std::vector<int>{1, 2}); }
