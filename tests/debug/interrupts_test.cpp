#include "support/green_test.hpp"
#include "support/subprocess.hpp"

#include <green/executor/thread_executor.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include <sys/time.h>

// Conformance 314.

using namespace green;
using namespace green_test;

TEST_CASE("program: in a storm of signals", "[.program]") {
    static std::atomic<int> signals{0};
    struct sigaction action{};
    action.sa_handler = [](int) { ++signals; };  // without SA_RESTART
    sigaction(SIGALRM, &action, nullptr);
    itimerval const every_ms{{0, 1000}, {0, 1000}};
    setitimer(ITIMER_REAL, &every_ms, nullptr);
    int posted = 0;
    int early = 0;
    int jobs = 0;
    run([&]() -> task<> {
        loop& here = this_loop();
        thread_executor pool(2);
        std::thread poster([&] {
            for (int i = 0; i < 100; ++i) {
                here.post([&] { ++posted; });
                std::this_thread::sleep_for(1ms);
            }
        });
        auto const naps = [&]() -> task<> {
            for (int i = 0; i < 20; ++i) {
                auto const start = now();
                co_await sleep_for(7ms);
                if (now() - start < 7ms) ++early;
            }
        };
        auto const napping = spawn(naps);
        for (int i = 0; i < 20; ++i) {
            auto job = pool.submit([] { std::this_thread::sleep_for(3ms); });
            co_await job;
            ++jobs;
        }
        co_await napping;
        poster.join();
        co_await sleep_for(1ms);
    });
    setitimer(ITIMER_REAL, nullptr, nullptr);
    std::printf(
        "posted %d, early %d, jobs %d, signals %s\n", posted, early, jobs,
        signals > 50 ? "many" : "few"
    );
    std::fflush(stdout);
    std::_Exit(0);
}

// conformance 314
TEST_CASE("a storm of EINTR breaks no wait", "[interrupts]") {
    auto const e = run_program("program: in a storm of signals");
    REQUIRE(e.output == "posted 100, early 0, jobs 20, signals many\n");
    REQUIRE(e.status == 0);
}
