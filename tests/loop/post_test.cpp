#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// conformance 289, rule 14

namespace {

using namespace green;
using namespace green_test;

TEST_CASE("post is FIFO and loses nothing", "[post]") {
    constexpr int per_thread = 5000;
    std::vector<int> seen[3];
    run([&]() -> task<> {
        loop& here = this_loop();
        gate finished;
        int left = 3 * per_thread;
        auto guard = here.keep_alive();
        std::vector<std::thread> threads;
        for (auto& mine : seen) {
            threads.emplace_back([&] {
                for (int i = 0; i < per_thread; ++i) {
                    bool const accepted = here.post([&mine, &left, &finished, i] {
                        mine.push_back(i);
                        if (--left == 0) finished.open();
                    });
                    if (!accepted) std::abort();
                }
            });
        }
        co_await finished.wait();
        for (auto& t : threads) t.join();
    });
    for (const auto& mine : seen) {
        REQUIRE(mine.size() == per_thread);
        for (int i = 0; i < per_thread; ++i) REQUIRE(mine[static_cast<std::size_t>(i)] == i);
    }
}

TEST_CASE("post from the loop's own thread wakes a loop that waits for nothing else", "[post]") {
    for (auto const& options : {virtual_clock(), real_clock()}) {
        run(options, []() -> task<> {
            gate g;
            this_loop().post([&] { g.open(); });
            co_await g.wait();
            co_await yield();
        });
    }
}

TEST_CASE("post from the loop's own thread is not held up by a sleep", "[post]") {
    auto const before = std::chrono::steady_clock::now();
    run([]() -> task<> {
        gate g;
        spawn([]() -> task<> { co_await sleep_for(1h); });
        co_await yield();
        this_loop().post([&] { g.open(); });
        co_await g.wait();
    });
    REQUIRE(std::chrono::steady_clock::now() - before < 5s);
}

TEST_CASE("post after the loop's own post still wakes the loop", "[post]") {
    run([]() -> task<> {
        loop& here = this_loop();
        gate both;
        int count = 0;
        auto const arrive = [&] {
            if (++count == 2) both.open();
        };
        auto guard = here.keep_alive();
        here.post(arrive);
        std::thread other([&] { here.post(arrive); });
        other.join();
        co_await both.wait();
    });
}

GREEN_TEST("a posted function does not run inside post", "[post]") {
    bool ran = false;
    REQUIRE(this_loop().post([&] { ran = true; }));
    REQUIRE_FALSE(ran);
    co_await yield();
    REQUIRE(ran);
}

GREEN_TEST("a function that posts itself again starves nobody", "[post]") {
    int count = 0;
    bool stop = false;
    std::function<void()> again = [&] {
        ++count;
        if (!stop) this_loop().post(std::ref(again));
    };
    this_loop().post(std::ref(again));
    for (int i = 0; i < 100; ++i) co_await yield();
    REQUIRE(count >= 100);
    stop = true;
    co_await yield();
}

TEST_CASE("a function that posts itself again does not keep run from ending", "[post]") {
    std::function<void()> again = [&] { this_loop().post(std::ref(again)); };
    run([&]() -> task<> {
        this_loop().post(std::ref(again));
        co_await yield();
    });
}

TEST_CASE("post after the end of the run is refused, and its function destroyed", "[post]") {
    loop* ended = nullptr;
    run([&]() -> task<> {
        ended = &this_loop();
        co_return;
    });
    auto const held = std::make_shared<int>(1);
    REQUIRE_FALSE(ended->post([held] { std::abort(); }));
    REQUIRE(held.use_count() == 1);
}

TEST_CASE("what was accepted runs, even if main has ended", "[post]") {
    int ran = 0;
    run([&]() -> task<> {
        this_loop().post([&] {
            ++ran;
            this_loop().post([&] { ++ran; });
        });
        co_return;
    });
    REQUIRE(ran >= 1);
}

TEST_CASE("threads may post at any time, also while the loop closes", "[post]") {
    std::atomic<bool> stop{false};
    std::atomic<long> accepted{0};
    std::atomic<long> ran{0};
    std::atomic<loop*> target{nullptr};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (!stop) {
                loop* const l = target;
                if (l && l->post([&] { ++ran; })) ++accepted;
            }
        });
    }
    for (int i = 0; i < 200; ++i) {
        run([&]() -> task<> {
            target = &this_loop();
            for (int k = 0; k < 5; ++k) co_await yield();
        });
    }
    stop = true;
    for (auto& t : threads) t.join();
    REQUIRE(ran == accepted);
}

TEST_CASE("a failing posted function is an unhandled failure and no more", "[post]") {
    int ran = 0;
    auto const body = [&]() -> task<> {
        this_loop().on_unhandled([&](const unhandled_failure& f) {
            REQUIRE(f.report.find("loop::post") != std::string::npos);
            REQUIRE(f.report.find("posted and failed") != std::string::npos);
            ++ran;
        });
        this_loop().post([] { throw std::runtime_error("posted and failed"); });
        this_loop().post([&] { ++ran; });
        co_await yield();
    };
    run(body);
    REQUIRE(ran == 2);
}

// conformance 290: green has no keyed post; many posts cost one wake-up, and each of them runs.

TEST_CASE("a guard keeps the loop from reporting a deadlock", "[post]") {
    run([]() -> task<> {
        loop& here = this_loop();
        gate g;
        std::thread other([&here, &g, guard = here.keep_alive()]() mutable {
            here.post([&g] { g.open(); });
        });
        co_await g.wait();
        other.join();
    });
}

TEST_CASE("the last guard's end on another thread is noticed", "[post]") {
    auto const body = []() -> task<> {
        gate g;
        std::thread other([guard = this_loop().keep_alive()]() mutable {
            std::this_thread::yield();
            auto const last = std::move(guard);
        });
        other.detach();
        co_await g.wait();
    };
    REQUIRE_THROWS_AS(run(body), deadlock_error);
}

}  // namespace

TEST_CASE("keep_alive: a guard that outlives its run does not upset the next one", "[post]") {
    std::optional<loop::work_guard> guard;
    run([&]() -> task<> {
        guard.emplace(this_loop().keep_alive());
        co_return;
    });
    guard.reset();
    REQUIRE_THROWS_AS(run(sleep_for(forever)), deadlock_error);
}
