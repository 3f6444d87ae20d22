#include <green/loop/timer_queue.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using green::detail::timer_queue;
using time_point = green::clock::time_point;

struct test_timer final : green::detail::timer {
    explicit test_timer(std::vector<int>& l, int n = 0) : log(l), number(n) {}
    void expired() noexcept override {
        log.push_back(number);
        if (also) also();
    }
    std::vector<int>& log;
    int number;
    std::function<void()> also;
};

time_point at(int ms) { return time_point(std::chrono::milliseconds(ms)); }

TEST_CASE("timers fire in the order of their deadlines, then of arming", "[timer_queue]") {
    std::vector<int> log;
    test_timer a(log, 1), b(log, 2), c(log, 3), d(log, 4);
    timer_queue q;
    q.arm(a, at(5));
    q.arm(b, at(3));
    q.arm(c, at(5));
    q.arm(d, at(9));
    REQUIRE(q.first() == at(3));
    REQUIRE(q.fire(at(2)) == 0);
    REQUIRE(q.fire(at(5)) == 3);
    REQUIRE(log == std::vector<int>{2, 1, 3});
    REQUIRE_FALSE(a.armed());
    REQUIRE(d.armed());
    q.disarm(d);
    q.disarm(d); // no harm
    REQUIRE(q.empty());
}

TEST_CASE("a timer never fires early, and one at the end of time never", "[timer_queue]") {
    std::vector<int> log;
    test_timer a(log, 1), never(log, 2);
    timer_queue q;
    q.arm(a, at(5));
    q.arm(never, time_point::max());
    REQUIRE(q.size() == 1);
    REQUIRE_FALSE(never.armed());
    REQUIRE(q.fire(at(5) - 1ns) == 0);
    REQUIRE(q.fire(at(5)) == 1);
    REQUIRE(q.fire(time_point::max()) == 0);
}

TEST_CASE("a timer armed while timers fire waits for the next call", "[timer_queue]") {
    std::vector<int> log;
    test_timer a(log, 1), b(log, 2);
    timer_queue q;
    a.also = [&] { q.arm(b, at(0)); };
    q.arm(a, at(1));
    REQUIRE(q.fire(at(1)) == 1);
    REQUIRE(q.fire(at(1)) == 1);
    REQUIRE(log == std::vector<int>{1, 2});
}

TEST_CASE("a timer may disarm others, and arm itself again, while it fires", "[timer_queue]") {
    std::vector<int> log;
    test_timer a(log, 1), b(log, 2), c(log, 3);
    timer_queue q;
    a.also = [&] {
        q.disarm(b);
        if (log.size() < 3) q.arm(a, at(1));
    };
    q.arm(a, at(1));
    q.arm(b, at(1));
    q.arm(c, at(1));
    q.fire(at(1));
    REQUIRE(log == std::vector<int>{1, 3});
    q.fire(at(1));
    REQUIRE(log == std::vector<int>{1, 3, 1});
    REQUIRE(q.empty());
}

TEST_CASE("limits come after what is due at the same instant, one call later", "[timer_queue]") {
    std::vector<int> log;
    test_timer limit(log, 1), sleep(log, 2), early_limit(log, 3);
    timer_queue q;
    q.arm_limit(limit, at(5));
    q.arm(sleep, at(5));
    q.arm_limit(early_limit, at(4));
    q.fire(at(5));
    REQUIRE(log == std::vector<int>{3, 2});
    q.fire(at(5));
    REQUIRE(log == std::vector<int>{3, 2, 1});
}

TEST_CASE("the timer queue agrees with a sorted list, whatever comes", "[timer_queue]") {
    std::mt19937 random(7);
    auto const below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 50; ++round) {
        std::vector<int> log;
        std::vector<int> expected;
        std::vector<std::unique_ptr<test_timer>> timers;
        std::vector<std::pair<int, int>> armed; // deadline, number, in the order of arming
        timer_queue q;
        for (int i = 0; i < 200; ++i) {
            timers.push_back(std::make_unique<test_timer>(log, i));
            int const deadline = below(50);
            q.arm(*timers.back(), at(deadline));
            armed.emplace_back(deadline, i);
            if (below(3) == 0) {
                auto const victim = armed.begin() + below(static_cast<int>(armed.size()));
                q.disarm(*timers[static_cast<std::size_t>(victim->second)]);
                armed.erase(victim);
            }
        }
        REQUIRE(q.size() == armed.size());
        std::stable_sort(armed.begin(), armed.end(), [](const auto& a, const auto& b) {
            return a.first < b.first;
        });
        for (const auto& entry : armed) expected.push_back(entry.second);
        for (int now = 0; now < 50; now += 1 + below(5)) q.fire(at(now));
        q.fire(at(50));
        REQUIRE(log == expected);
        REQUIRE(q.empty());
        q.trim();
    }
}

} // namespace
