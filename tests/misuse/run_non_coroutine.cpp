// expect: task_callable
#include <green/loop/run.hpp>

int number() { return 1; }

int main() { return green::run(number); }
