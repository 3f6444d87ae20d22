// expect: green: spawn takes a task, or a callable with its arguments that is a coroutine
#include <green/tasks/spawn.hpp>

#include <string>

green::task<> resolve(std::string host);

void f() { green::spawn(resolve); }
