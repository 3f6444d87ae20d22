// expect: range_of_handles
#include <green/tasks/joinall.hpp>

#include <vector>

green::task<> f(std::vector<green::task<>>& tasks) { co_await green::joinall(tasks); }
