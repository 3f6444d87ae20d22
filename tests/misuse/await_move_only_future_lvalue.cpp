// expect: green: the result of this future can only be moved: co_await std::move(f)
#include <green/core/task.hpp>
#include <green/executor/future.hpp>

#include <memory>

green::task<> g(green::future<std::unique_ptr<int>> f) { co_await f; }
