// expect: green: this result cannot be copied: write as_result(std::move(handle))
#include <green/tasks/as_result.hpp>

#include <memory>

green::task<> f(green::join_handle<std::unique_ptr<int>> h) { co_await green::as_result(h); }
