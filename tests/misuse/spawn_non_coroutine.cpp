// expect: green: spawn takes a task, or a callable with its arguments that is a coroutine
#include <green/tasks/spawn.hpp>

int number() { return 1; }

void f() { green::spawn(number); }
