// B: a closure with captures by value in a co_await expression
// green avoids this
#include "probe.hpp"

template <class F> static probe::task call(F function) {
    function();
    co_return;
}

static int calls = 0;

static probe::task body() {
    probe::counted object;
    co_await call([object] { ++calls; });
}

int main() {
    {
        auto task = body();
        task.run();
    }
    return probe::finish(calls == 1 && probe::counted::alive == 0);
}
