// D: a ? co_await b : c of a class type
// green avoids this
#include "probe.hpp"

static int results = 0;

static probe::task body(bool ask) {
    probe::counted result = ask ? co_await probe::value(probe::counted()) : probe::counted();
    ++results;
    (void)result;
}

int main() {
    for (bool ask : {true, false}) {
        auto task = body(ask);
        task.run();
    }
    return probe::finish(results == 2 && probe::counted::alive == 0);
}
