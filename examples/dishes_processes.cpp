// One washes, one dries, each in a process of its own, and a queue between them.
//
// From a well-known Python tutorial, where a multiprocessing.JoinableQueue connects the washer with a dryer that is
// a daemon: it waits for dishes for ever, and is ended with the program. Here it could be, too; but it learns of the
// end, since the queue is gone with the process that has made it, and then `get` throws closed_error.

#include <green/green.hpp>

#include <cstdio>
#include <string>

namespace {

using rack = green::process_queue<std::string>;

/// Both processes print to one place: so a line is printed when it is said.
void say(const std::string& dish, const char* what) {
    std::printf("%s 접시를 %s.\n", dish.c_str(), what);
    std::fflush(stdout);
}

void dry(const rack& dishes) {
    try {
        for (;;) {
            std::string const dish = dishes.get();
            say(dish, "말렸습니다");
            dishes.task_done();
        }
    } catch (const green::closed_error&) {
        // no more dishes
    }
}

void wash(const rack& dishes) {
    for (const char* dish : {"샐러드", "밥", "반찬", "과일"}) {
        say(dish, "씻겼습니다");
        dishes.put(dish);
    }
}

}  // namespace

int main() {
    green::process_worker_main();
    rack const dishes;
    green::process::start<dry>(green::process_options{.daemon = true}, dishes);
    wash(dishes);
    dishes.join();  // until the last one is dry
}
