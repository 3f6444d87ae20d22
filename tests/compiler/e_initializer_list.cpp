// E: a braced list of numbers in a co_await expression
// green avoids this
#include "probe.hpp"

#include <vector>

static int sum = 0;

static probe::task add(std::vector<int> numbers) {
    for (int number : numbers) sum += number;
    co_return;
}

static probe::task body() { co_await add({1, 2, 3}); }

int main() {
    auto task = body();
    task.run();
    return probe::finish(sum == 6);
}
