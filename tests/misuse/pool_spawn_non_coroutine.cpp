// expect: green: task_pool::spawn takes a task, or a callable with its arguments that is a coroutine
#include <green/tasks/task_pool.hpp>

int number() { return 1; }

green::task<> f(green::task_pool& pool) { co_await pool.spawn(number); }
