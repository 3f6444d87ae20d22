#include <green/debug/assert_switches.hpp>

#include "support/green_test.hpp"

#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

// Conformance 312.

namespace {

using namespace green;
using namespace green_test;

task<int> never_waits() { co_return 7; }
task<int> waits() {
    co_await sleep_for(1ms);
    co_return 7;
}
task<> blocks() {
    co_await yield();
    std::this_thread::sleep_for(20ms);
}
task<std::unique_ptr<int>> gives_a_pointer() {
    co_await yield();
    co_return std::make_unique<int>(3);
}

template <class Op>
task<std::string> complaint(Op op, std::chrono::nanoseconds limit = forever) {
    try {
        co_await assert_switches(std::move(op), limit);
    } catch (const std::logic_error& e) {
        co_return e.what();
    }
    co_return "";
}

// conformance 312
GREEN_TEST("assert_switches: an operation that never waits fails", "[debug][switches]") {
    std::string const text = co_await complaint(never_waits());
    REQUIRE(text == "assert_switches: the operation never let other tasks run");
    int const value = co_await assert_switches(waits());
    REQUIRE(value == 7);
    auto const pointer = co_await assert_switches(gives_a_pointer());
    REQUIRE(*pointer == 3);
}

// conformance 312
GREEN_TEST("assert_switches: a step that lasts too long fails", "[debug][switches]") {
    std::string const own = co_await complaint(blocks(), 5ms);
    INFO(own);
    REQUIRE(own.find("assert_switches: a step of this task lasted 2") == 0);
    REQUIRE(own.find(", more than 5 ms") != std::string::npos);
    spawn({.name = "rude"}, blocks());
    std::string const other = co_await complaint(sleep_for(1ms), 5ms);
    INFO(other);
    REQUIRE(other.find("a step of task #2 'rude' lasted ") != std::string::npos);
    std::string const none = co_await complaint(blocks(), 10s);
    REQUIRE(none.empty());
}

GREEN_TEST("assert_switches: errors and cancels pass through", "[debug][switches]") {
    auto const fails = []() -> task<> {
        co_await yield();
        throw std::runtime_error("it broke");
    };
    std::string text;
    try {
        co_await assert_switches(fails());
    } catch (const std::runtime_error& e) {
        text = e.what();
    }
    REQUIRE(text == "it broke");
    auto h = spawn(assert_switches(sleep_for(1h)));
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(elapsed() == 1ms);
}

}  // namespace
