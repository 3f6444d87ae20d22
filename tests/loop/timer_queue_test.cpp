#include <green/loop/timer_queue.hpp>

#include "support/catch.hpp"

#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <tuple>
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
    q.disarm(d);  // no harm
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
        std::vector<std::pair<int, int>> armed;  // deadline, number, in the order of arming
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

// --- near and far, against a model

/// What the queue should do, done slowly.
struct model {
    /// Deadline, then limits last, then the order of arming.
    using key = std::tuple<time_point, bool, int>;

    std::map<key, int> armed;  // to the timer's number
    std::vector<std::optional<key>> keys;
    int order = 0;

    void arm(int n, time_point deadline, bool limit) {
        key const k{deadline, limit, ++order};
        keys[static_cast<std::size_t>(n)] = k;
        if (deadline != time_point::max()) armed.emplace(k, n);
    }
    void disarm(int n) {
        auto& k = keys[static_cast<std::size_t>(n)];
        if (k) armed.erase(*k);
        k.reset();
    }
    std::vector<int> fire(time_point now) {
        std::vector<int> fired;
        bool timer_fired = false;
        while (!armed.empty() && std::get<0>(armed.begin()->first) <= now) {
            auto const [k, n] = *armed.begin();
            if (std::get<1>(k) && timer_fired) break;
            timer_fired = timer_fired || !std::get<1>(k);
            fired.push_back(n);
            disarm(n);
        }
        return fired;
    }
};

/// A duration of any size from nanoseconds to centuries.
std::chrono::nanoseconds some_duration(std::mt19937_64& random) {
    return std::chrono::nanoseconds(static_cast<std::int64_t>(random() >> (2 + random() % 62)));
}

TEST_CASE("the timer queue agrees with a model, near and far", "[timer_queue]") {
    std::mt19937_64 random(11);
    for (int round = 0; round < 20; ++round) {
        std::vector<int> log;
        std::deque<test_timer> timers;
        model expected;
        timer_queue q;
        int const count = 1 << (random() % 10);
        for (int i = 0; i < count; ++i) timers.emplace_back(log, i);
        expected.keys.resize(timers.size());
        time_point now = round % 2 ? time_point(std::chrono::hours(24 * 365)) : time_point();
        for (int step = 0; step < 20'000; ++step) {
            int const n = static_cast<int>(random() % timers.size());
            test_timer& t = timers[static_cast<std::size_t>(n)];
            switch (random() % 8) {
            case 0: {  // time passes
                if (time_point::max() - now < std::chrono::hours(24)) now = {};  // and starts again
                std::chrono::nanoseconds const d =
                    std::min(some_duration(random) / 64, (time_point::max() - now) / 2);
                now += d;
                log.clear();
                q.fire(now);
                REQUIRE(log == expected.fire(now));
                break;
            }
            case 1:  // a virtual clock jumps, a real one looks again
                if (expected.armed.empty()) break;
                if (random() % 2) {
                    REQUIRE(q.wake_at() <= std::get<0>(expected.armed.begin()->first));
                    break;
                }
                REQUIRE(q.first() == std::get<0>(expected.armed.begin()->first));
                if (random() % 2) break;
                now = std::max(now, q.first());
                log.clear();
                q.fire(now);
                REQUIRE(log == expected.fire(now));
                break;
            case 2:
            case 3:
                q.disarm(t);
                expected.disarm(n);
                break;
            default: {
                q.disarm(t);
                expected.disarm(n);
                time_point deadline = green::detail::saturating_add(now, some_duration(random));
                if (random() % 16 == 0) deadline = now - some_duration(random) / 4;  // late already
                if (random() % 4 == 0 && !expected.armed.empty()) {  // the same as another
                    deadline = std::get<0>(expected.armed.begin()->first);
                }
                bool const limit = random() % 4 == 0;
                if (limit) {
                    q.arm_limit(t, deadline);
                } else {
                    q.arm(t, deadline);
                }
                expected.arm(n, deadline, limit);
                REQUIRE(t.armed() == (deadline != time_point::max()));
            }
            }
            REQUIRE(q.size() == expected.armed.size());
            REQUIRE(q.empty() == expected.armed.empty());
        }
        for (auto& t : timers) q.disarm(t);
        REQUIRE(q.empty());
        q.trim();
    }
}

TEST_CASE("a wait for a far deadline ends after a few looks at the time", "[timer_queue]") {
    std::vector<int> log;
    for (std::chrono::nanoseconds far :
         {1ns, 1'000'000ns, 63'000'000'000ns, 3'600'000'000'000ns, 9'000'000'000'000'000'000ns}) {
        test_timer t(log);
        timer_queue q;
        q.fire(at(12'345));
        time_point const deadline = at(12'345) + std::min(far, time_point::max() - at(12'346));
        q.arm(t, deadline);
        int looks = 0;
        while (t.armed()) {
            ++looks;
            time_point const next = q.wake_at();
            REQUIRE(next <= deadline);
            q.fire(next);
        }
        REQUIRE(looks <= 8);
        REQUIRE(q.empty());
    }
}

TEST_CASE("timers may be destroyed once disarmed, wherever they are in a bucket", "[timer_queue]") {
    std::vector<int> log;
    timer_queue q;
    auto first = std::make_unique<test_timer>(log, 1);
    auto second = std::make_unique<test_timer>(log, 2);
    auto third = std::make_unique<test_timer>(log, 3);
    for (test_timer* t : {first.get(), second.get(), third.get()}) q.arm(*t, at(1'000'000));
    q.disarm(*second);
    second.reset();
    REQUIRE(q.size() == 2);
    q.disarm(*third);
    third.reset();
    REQUIRE(q.first() == at(1'000'000));
    q.disarm(*first);
    REQUIRE(q.empty());
    q.arm(*first, at(2'000'000));
    REQUIRE(q.fire(at(2'000'000)) == 1);
    REQUIRE(log == std::vector<int>{1});
}

}  // namespace
