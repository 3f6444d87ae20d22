// expect: green: a task is awaited once and gives its result away: write co_await std::move(t)
#include <green/core/task.hpp>

green::task<int> number();

green::task<int> twice() {
    green::task<int> t = number();
    int const a = co_await t;
    int const b = co_await t;
    co_return a + b;
}
