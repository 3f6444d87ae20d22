// C: an aggregate with a destructor in a co_await expression
// green avoids this
#include "probe.hpp"

struct options {
    int limit = 0;
    probe::counted object = {};
};

static int seen = 0;

static probe::task get(options chosen) {
    seen = chosen.limit;
    co_return;
}

static probe::task body() { co_await get({.limit = 3, .object = {}}); }

int main() {
    {
        auto task = body();
        task.run();
    }
    return probe::finish(seen == 3 && probe::counted::alive == 0);
}
