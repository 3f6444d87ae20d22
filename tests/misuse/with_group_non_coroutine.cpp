// expect: green: with_group takes a callable with a task_group& that is a coroutine
#include <green/tasks/task_group.hpp>

green::task<> f() {
    co_await green::with_group([](green::task_group&) {});
}
