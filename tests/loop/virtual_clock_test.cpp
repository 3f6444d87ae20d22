#include "support/green_test.hpp"

#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

// conformance 280

namespace {

using namespace green;
using namespace green_test;

TEST_CASE("the virtual clock starts at zero in each run", "[virtual_clock]") {
    for (int i = 0; i < 2; ++i) {
        run(virtual_clock(), []() -> task<> {
            REQUIRE(green::now() == green::clock::time_point{});
            co_await sleep_for(1s);
            REQUIRE(green::now() == green::clock::time_point(1s));
        });
    }
}

TEST_CASE("sleeps on the virtual clock cost no time", "[virtual_clock]") {
    auto const before = std::chrono::steady_clock::now();
    run(virtual_clock(), []() -> task<> {
        for (int i = 0; i < 1000; ++i) co_await sleep_for(1h);
        REQUIRE(green::now() == green::clock::time_point(1000h));
    });
    REQUIRE(std::chrono::steady_clock::now() - before < 5s);
}

GREEN_TEST("virtual time stands still while a task is ready", "[virtual_clock]") {
    recorder log;
    auto const busy = spawn([&]() -> task<> {
        for (int i = 0; i < 5000; ++i) co_await yield();
        log.stamp("busy");
    });
    co_await sleep_for(1ns);
    log.stamp("slept");
    REQUIRE(log.text() == "busy@0 slept@0.000001");
}

GREEN_TEST("the clock shows one time throughout a turn", "[virtual_clock]") {
    auto const before = green::now();
    auto const until = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < until) {}
    REQUIRE(green::now() == before);
    co_return;
}

GREEN_TEST("what another thread posts is waited for before a jump", "[virtual_clock]") {
    loop& here = this_loop();
    auto const guard = here.keep_alive();
    recorder log;
    std::thread poster([&] { here.post([&] { log.stamp("posted"); }); });
    poster.join();  // it is in the loop's inbox now
    co_await sleep_for(1h);
    log.stamp("slept");
    REQUIRE(log.text() == "posted@0 slept@3600000");
}

std::string scripted_run() {
    recorder log;
    run(virtual_clock(), [&]() -> task<> {
        std::uint32_t state = 1;
        std::vector<join_handle<void>> handles;
        for (int i = 0; i < 200; ++i) {
            state = state * 1664525 + 1013904223;
            auto const delay = std::chrono::milliseconds(state >> 28);
            auto const body = [&log, i, delay]() -> task<> {
                co_await sleep_for(delay);
                log.stamp(std::to_string(i));
                co_await yield();
                co_await sleep_for(delay);
                log.stamp(std::to_string(i));
            };
            handles.push_back(spawn(body));
        }
        for (auto& h : handles) co_await h;
    });
    return log.text();
}

TEST_CASE("runs on the virtual clock are all alike", "[virtual_clock]") {
    std::string const first = scripted_run();
    for (int i = 0; i < 3; ++i) REQUIRE(scripted_run() == first);
}

}  // namespace
