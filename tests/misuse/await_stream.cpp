// expect: green: this cannot be awaited: co_await takes a task, one of green
#include <green/tasks/stream.hpp>

green::stream<int> numbers();

green::task<> f() { co_await numbers(); }  // .next() or .collect() is missing
