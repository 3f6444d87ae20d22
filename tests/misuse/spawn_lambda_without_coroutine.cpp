// expect: green: spawn takes a task, or a callable with its arguments that is a coroutine
#include <green/tasks/spawn.hpp>

void f() {
    green::spawn({.name = "worker"}, [] {});
}
