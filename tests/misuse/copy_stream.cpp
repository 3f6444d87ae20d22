// expect: deleted
#include <green/tasks/stream.hpp>

green::stream<int> numbers();

void f() {
    green::stream<int> const s = numbers();
    green::stream<int> const copy = s;
}
