// expect: awaitable
#include <green/tasks/timeout.hpp>

#include <chrono>

green::task<> f() { co_await green::with_timeout(std::chrono::seconds(1), 5); }
