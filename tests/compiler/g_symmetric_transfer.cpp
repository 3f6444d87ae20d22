// G: a million awaits that complete at once, on one stack
// green does without this
#include "probe.hpp"

static long steps = 0;

static probe::task child() {
    ++steps;
    co_return;
}

static probe::task body() {
    for (int i = 0; i < 1'000'000; ++i) co_await child();
}

int main() {
    auto task = body();
    task.run();
    return probe::finish(steps == 1'000'000);
}
