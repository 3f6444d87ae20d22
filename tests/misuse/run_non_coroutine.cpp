// expect: green: run takes a task, or a callable with its arguments that is a coroutine
#include <green/loop/run.hpp>

int number() { return 1; }

int main() { return green::run(number); }
