// expect: green: this result cannot be copied: write co_await std::move(handle)
#include <green/tasks/join_handle.hpp>

#include <memory>

green::task<int> f(green::join_handle<std::unique_ptr<int>> h) {
    std::unique_ptr<int> const p = co_await h;
    co_return *p;
}
