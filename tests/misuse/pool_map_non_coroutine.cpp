// expect: green: task_pool::map and imap take a callable with one argument that is a coroutine
#include <green/tasks/task_pool.hpp>

#include <vector>

int twice(int n) { return 2 * n; }

green::task<> f(green::task_pool& pool) { co_await pool.map(twice, std::vector<int>{1, 2}); }
