// A': a condition that declares what it awaits
// green needs this
#include "probe.hpp"

static int steps = 0;

static probe::task body() {
    while (auto more = co_await probe::value(steps < 3)) steps += more ? 1 : 0;
    if (auto last = co_await probe::value(true); last) steps += 10;
}

int main() {
    auto task = body();
    const bool ended = task.run();
    return probe::finish(ended && steps == 13);
}
