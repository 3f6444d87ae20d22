// expect: green: this cannot be awaited: co_await takes a task, one of green
#include <green/core/task.hpp>

green::task<int> number();

green::task<> f() { co_await number; }  // the call is missing
