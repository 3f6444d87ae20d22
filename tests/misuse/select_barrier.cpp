// expect: for anything else see when_any
#include <green/core/task.hpp>
#include <green/sync/barrier.hpp>
#include <green/sync/channel.hpp>
#include <green/sync/select.hpp>

green::task<> f(green::channel<int>& c, green::barrier& b) {
    co_await green::select(c.receive(), b.arrive_and_wait());
}
