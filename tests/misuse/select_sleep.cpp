// expect: select takes what channels, queues, locks, semaphores and events give
#include <green/loop/sleep.hpp>
#include <green/sync/channel.hpp>
#include <green/sync/select.hpp>

#include <chrono>

green::task<> f(green::channel<int>& c) {
    co_await green::select(c.receive(), green::sleep_for(std::chrono::seconds(1)));
}
