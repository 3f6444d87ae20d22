// expect: deleted
#include <green/tasks/spawn.hpp>

green::task<int> number();

void f() {
    green::task<int> t = number();
    green::spawn(t);
}
