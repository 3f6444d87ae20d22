// A: if (co_await ...) in a function without a variable of its own
// green needs this
#include "probe.hpp"

static int steps = 0;

static probe::task body() {
    ++steps;
    if (co_await probe::value(true)) ++steps;
    ++steps;
}

int main() {
    auto task = body();
    const bool ended = task.run();
    return probe::finish(ended && steps == 3);
}
