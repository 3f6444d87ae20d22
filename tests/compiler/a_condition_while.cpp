// A: while (co_await ...) in a function without a variable of its own
// green needs this
#include "probe.hpp"

static int steps = 0;

static probe::task body() {
    while (co_await probe::value(steps < 3)) ++steps;
    steps += 10;
}

int main() {
    auto task = body();
    const bool ended = task.run();
    return probe::finish(ended && steps == 13);
}
