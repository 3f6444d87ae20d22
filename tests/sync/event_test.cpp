#include <green/sync/event.hpp>

#include "support/green_test.hpp"

#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

using namespace green;
using namespace green_test;

GREEN_TEST("event: a wait on a set event does not suspend", "[event]") {
    event e;
    e.set();
    co_await e.wait();
    REQUIRE(elapsed() == 0ms);
    REQUIRE(e.is_set());
}
