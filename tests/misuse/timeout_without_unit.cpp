// expect: with_timeout
#include <green/loop/sleep.hpp>
#include <green/tasks/timeout.hpp>

green::task<> f() { co_await green::with_timeout(5, green::yield()); }  // 5 what?
