// expect: nodiscard
#include <green/core/task.hpp>

green::task<int> number();

void f() { number(); } // never runs
