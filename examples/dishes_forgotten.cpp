// The dishes of `dishes`, but nobody tells the dryers that there are no more: a wait without an end.
//
// In Python the program prints its eight lines, `join()` returns, and then it hangs without a word, because the two
// drying threads wait in `get()` for ever. green sees that nothing can ever happen again: `run` throws
// deadlock_error, and its text says who waits for what. (Its other lines, the places in the source, are left out
// below.)

#include <green/green.hpp>

#include <cstdio>
#include <sstream>
#include <string>
#include <vector>

namespace {

green::task<> dry(green::queue<std::string>& dishes) {
    for (;;) {
        std::string const dish = co_await dishes.get();
        std::printf("%s 접시를 말렸습니다.\n", dish.c_str());
        dishes.task_done();
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
    dishes.set_name("dishes");
    std::vector<green::join_handle<>> dryers;
    dryers.push_back(green::spawn({.name = "dryer 1"}, dry(dishes)));
    dryers.push_back(green::spawn({.name = "dryer 2"}, dry(dishes)));
    co_await wash(dishes);
    co_await dishes.join();
    std::printf("JOIN returns\n");
    co_await green::joinall(dryers);  // they wait for a fifth dish
    std::printf("never printed\n");
}

/// The report without the places in the source.
void print_waits(const char* report) {
    std::istringstream lines(report);
    for (std::string line; std::getline(lines, line);) {
        if (line.find(" at ") == std::string::npos) std::printf("%s\n", line.c_str());
    }
}

}  // namespace

int main() {
    try {
        green::run(kitchen());
    } catch (const green::deadlock_error& e) {
        print_waits(e.what());
    }
}
