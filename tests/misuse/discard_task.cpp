// expect: declared with
#include <green/core/task.hpp>

#pragma GCC diagnostic error "-Wunused-result"

green::task<int> number();

void f() { number(); }  // never runs
