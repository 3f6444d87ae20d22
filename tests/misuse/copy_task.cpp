// expect: deleted
#include <green/core/task.hpp>

green::task<int> number();

void f() {
    green::task<int> const t = number();
    green::task<int> const copy = t;
}
