// expect: group_body
#include <green/tasks/task_group.hpp>

green::task<> f() {
    co_await green::with_group([](green::task_group&) {});
}
