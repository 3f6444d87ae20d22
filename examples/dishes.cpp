// One washes, two dry: a queue of dishes that is closed when the work is done.
//
// From a well-known Python tutorial, where `queue.Queue` connects the main thread with two drying threads. There
// the program never ends: when `join()` has returned, both dryers wait in `get()` for a fifth dish. Here
// the queue is closed: `get` throws closed_error once nothing is left, the dryers end, and so does the group.
// `dishes_forgotten` is the same without that line.

#include <green/green.hpp>

#include <cstdio>
#include <string>

namespace {

green::task<> dry(green::queue<std::string>& dishes) {
    try {
        for (;;) {
            std::string const dish = co_await dishes.get();
            std::printf("%s 접시를 말렸습니다.\n", dish.c_str());
            dishes.task_done();
        }
    } catch (const green::closed_error&) {
        // no more dishes
    }
}

green::task<> wash(green::queue<std::string>& dishes) {
    for (const char* dish : {"샐러드", "밥", "반찬", "과일"}) {
        std::printf("%s 접시를 씻겼습니다.\n", dish);
        co_await dishes.put(dish);
    }
}

green::task<> kitchen() {
    green::queue<std::string> dishes;
    co_await green::with_group([&](green::task_group& g) -> green::task<> {
        g.spawn(dry(dishes));
        g.spawn(dry(dishes));
        co_await wash(dishes);
        co_await dishes.join();
        dishes.close();
    });
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(kitchen, argc, argv); }
