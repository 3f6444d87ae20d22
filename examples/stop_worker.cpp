// A worker that works until it is told to stop, then a join: three ways to tell it.
//
// From a tutorial on Python's threads: a flag that the worker looks at between two pieces of work, and
// `worker.join()`. Python cannot interrupt the sleep in between, nor stop a thread that does not look.
//
//     a flag      `Stopped = True`: seen when the present piece of work is done
//     an event    the same, but the wait for it is the pause: the worker stops at once
//     a cancel    it need not look at anything; what it does at its end is in a destructor
//
// The clock is virtual, so that the three seconds of each piece of work take no time.

#include <green/green.hpp>

#include <chrono>
#include <cstdio>

using namespace std::chrono_literals;

namespace {

constexpr auto piece_of_work = 3s;

long seconds() { return static_cast<long>(green::now().time_since_epoch() / 1s); }

green::task<> work_with_flag(const bool& stopped) {
    while (!stopped) {
        std::printf("do  Overwork\n");
        co_await green::sleep_for(piece_of_work);
    }
    std::printf("retired..\n");
}

green::task<> work_with_event(green::event& stopped) {
    bool told = false;
    while (!told) {
        std::printf("do  Overwork\n");
        told = co_await green::move_on_after(piece_of_work, stopped.wait());
    }
    std::printf("retired..\n");
}

green::task<> work_until_cancelled() {
    struct retirement {
        ~retirement() { std::printf("retired..\n"); }
    };
    retirement const at_the_end;
    for (;;) {
        std::printf("do  Overwork\n");
        co_await green::sleep_for(piece_of_work);
    }
}

green::task<> amain() {
    bool flag = false;
    auto worker = green::spawn(work_with_flag(flag));
    co_await green::sleep_for(26 * piece_of_work - 1s);
    flag = true;
    auto told_at = seconds();
    co_await worker;
    std::printf("worker is gone. (after %ld s)\n", seconds() - told_at);

    green::event stopped;
    worker = green::spawn(work_with_event(stopped));
    co_await green::sleep_for(5s);
    stopped.set();
    told_at = seconds();
    co_await worker;
    std::printf("worker is gone. (after %ld s)\n", seconds() - told_at);

    worker = green::spawn(work_until_cancelled());
    co_await green::sleep_for(5s);
    worker.cancel();
    told_at = seconds();
    co_await worker.join();
    std::printf("worker is gone. (after %ld s)\n", seconds() - told_at);
}

}  // namespace

int main() { green::run(amain(), {.virtual_time = true}); }
