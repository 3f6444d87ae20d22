#include "executor/conformance.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <ranges>
#include <set>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

// map of every executor.

using namespace green;
using namespace green_test;

namespace {

const std::vector<int> numbers{1, 2, 3, 4, 5, 6, 7, 8, 9};
const std::vector<int> squares{1, 4, 9, 16, 25, 36, 49, 64, 81};

int add(int x, int y) { return x + y; }
long add_three(int x, long y, short z) { return x + y + z; }
int add_five(int a, int b, int c, int d, int e) { return a + b + c + d + e; }
int add_four(int a, int b, int c, int d) { return a + b + c + d; }
int slower_the_smaller(int x) {
    std::this_thread::sleep_for(std::chrono::milliseconds(3 * (9 - x)));
    return x * x;
}
void nothing(int) {}
int times_out(int x) {
    if (x == 2) throw timeout_error("of the job's own");
    return x;
}

/// Counts how far it has been read.
auto counting(int& pulled, int end) {
    return std::views::iota(0, end) | std::views::transform([&pulled](int i) {
               ++pulled;
               return i;
           });
}

}  // namespace

// conformance 124
TEMPLATE_LIST_TEST_CASE("map: results come in input order", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(4);
        stream<int> s = pool.map(slower_the_smaller, numbers);
        auto const values = co_await s.collect();
        REQUIRE(values == squares);
        auto const end = co_await s.next();
        REQUIRE_FALSE(end.has_value());
    };
    run_test(body, real_clock());
}

// conformance 132
TEMPLATE_LIST_TEST_CASE("map: every chunksize and window gives the same", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        constexpr std::size_t any = map_options::automatic;
        for (std::size_t const chunksize : {std::size_t{1}, std::size_t{2}, std::size_t{50}, any}) {
            for (std::size_t const window : {std::size_t{1}, std::size_t{3}, std::size_t{9}, any}) {
                map_options const options{.chunksize = chunksize, .window = window};
                auto const values = co_await pool.map(square, numbers, options).collect();
                REQUIRE(values == squares);
            }
        }
        REQUIRE_THROWS_AS(pool.map(square, numbers, {.chunksize = 0}), std::invalid_argument);
        REQUIRE_THROWS_AS(pool.map(square, numbers, {.window = 0}), std::invalid_argument);
    };
    run_test(body, real_clock());
}

// conformance 126
TEMPLATE_LIST_TEST_CASE("map: several ranges, the shortest decides", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        auto two = co_await pool.map(add, numbers, std::views::iota(10)).collect();
        REQUIRE(two == std::vector<int>{11, 13, 15, 17, 19, 21, 23, 25, 27});
        std::vector<long> const longs{10, 20};
        std::vector<short> const shorts{100, 200, 300};
        auto const three = co_await pool.map(add_three, numbers, longs, shorts).collect();
        REQUIRE(three == std::vector<long>{111, 222});
        auto const four = co_await pool
                              .map(add_four, numbers, numbers, numbers, std::views::iota(0, 3))
                              .collect();
        REQUIRE(four == std::vector<int>{3, 7, 11});
        map_options const by_two{.chunksize = 2};
        auto const five = co_await pool
                              .map(add_five, numbers, numbers, numbers, numbers, numbers, by_two)
                              .collect();
        REQUIRE(five == std::vector<int>{5, 10, 15, 20, 25, 30, 35, 40, 45});
        two = co_await pool.map(add, numbers, std::vector<int>()).collect();
        REQUIRE(two.empty());
        auto const units = co_await pool.map(nothing, numbers).collect();
        REQUIRE(units.size() == 9);
    };
    run_test(body, real_clock());
}

// conformance 137
TEMPLATE_LIST_TEST_CASE("map: goes on after an item that fails", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        auto const fails_at_three = +[](int x) { return fail_at(3, x); };
        for (std::size_t const chunksize : {1, 4, 100}) {
            stream<int> s = pool.map(fails_at_three, numbers, {.chunksize = chunksize});
            std::string seen;
            for (bool more = true; more;) {
                std::string item;
                try {
                    auto const v = co_await s.next();
                    more = v.has_value();
                    if (v) item = std::to_string(*v);
                } catch (const std::out_of_range& e) {
                    item = std::string("(") + e.what() + ")";
                }
                seen += item;
            }
            REQUIRE(seen == "12(item 3)456789");
        }
    };
    run_test(body, real_clock());
}

// conformance 125, 133
TEMPLATE_LIST_TEST_CASE("map: begins at the call, and never looks far ahead", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        int pulled = 0;
        stream<int> s =
            pool.map(square, counting(pulled, 1'000'000'000), {.chunksize = 1, .window = 4});
        REQUIRE(pulled == 4);
        for (int i = 0; i < 10; ++i) {
            auto const v = co_await s.next();
            REQUIRE(v == i * i);
            REQUIRE(pulled == 5 + i);
        }
    };
    run_test(body, real_clock());
}

// conformance 136
TEMPLATE_LIST_TEST_CASE(
    "map: an error of the inputs comes after their results", "[map]", executors
) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        auto const broken = std::views::iota(0, 10) | std::views::transform([](int i) {
                                if (i == 3) throw std::domain_error("no more inputs");
                                return i;
                            });
        for (std::size_t const chunksize : {1, 2}) {
            stream<int> s = pool.map(square, broken, {.chunksize = chunksize});
            for (int i = 0; i < 3; ++i) {
                auto const v = co_await s.next();
                REQUIRE(v == i * i);
            }
            bool thrown = false;
            try {
                co_await s.next();
            } catch (const std::domain_error&) {
                thrown = true;
            }
            REQUIRE(thrown);
            auto const end = co_await s.next();
            REQUIRE_FALSE(end.has_value());
        }
    };
    run_test(body, real_clock());
}

// conformance 128
TEMPLATE_LIST_TEST_CASE(
    "map: the time counts from the call, and ends the stream", "[map]", executors
) {
    auto const body = +[]() -> task<> {
        file_gate gate;
        TestType pool(1);
        std::vector<std::string> const gates(30, gate.path());
        auto const pass_gate = +[](std::string path) { return pass(path); };
        stream<int> s = pool.map(pass_gate, gates, {.timeout = 20ms, .chunksize = 1});
        std::string error;
        try {
            co_await s.next();
        } catch (const timeout_error& e) {
            error = e.what();
        }
        REQUIRE(error == "map: an item was not done in time");
        auto const end = co_await s.next();
        REQUIRE_FALSE(end.has_value());
        gate.open();
    };
    run_test(body, real_clock());
}

// conformance 128
TEMPLATE_LIST_TEST_CASE(
    "map: a late first look finds the time over, and the rest is cancelled", "[map]", executors
) {
    auto const body = +[]() -> task<> {
        file_gate gate;
        TestType pool(1);
        std::vector<std::string> const gates(30, gate.path());
        auto const pass_gate = +[](std::string path) { return pass(path); };
        stream<int> s =
            pool.map(pass_gate, gates, {.timeout = 300ms, .chunksize = 1, .window = 30});
        co_await sleep_for(310ms);
        auto const start = now();
        bool late = false;
        try {
            co_await s.next();
        } catch (const timeout_error&) {
            late = true;
        }
        REQUIRE(late);
        REQUIRE(now() - start < 300ms);  // not counted from here
        REQUIRE(pool.stats().cancelled >= 20);  // processes may have been sent a few
        REQUIRE(pool.stats().queued == 0);
        gate.open();
    };
    run_test(body, real_clock());
}

// conformance 125
TEMPLATE_LIST_TEST_CASE("map: works without anyone looking", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        stream<int> const s = pool.map(square, numbers, {.chunksize = 3, .window = 9});
        while (pool.stats().finished < 3) co_await sleep_for(1ms);
        REQUIRE(pool.stats().submitted == 3);
    };
    run_test(body, real_clock());
}

// conformance 129
TEMPLATE_LIST_TEST_CASE("map: a timeout_error of a job is an item's failure", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(1);
        stream<int> s = pool.map(times_out, std::vector<int>{1, 2, 3}, {.timeout = 1h});
        auto v = co_await s.next();
        REQUIRE(v == 1);
        std::string error;
        try {
            co_await s.next();
        } catch (const timeout_error& e) {
            error = e.what();
        }
        REQUIRE(error == "of the job's own");
        v = co_await s.next();
        REQUIRE(v == 3);
    };
    run_test(body, real_clock());
}

// conformance 130
TEMPLATE_LIST_TEST_CASE("map: dropped early it cancels what has not begun", "[map]", executors) {
    auto const body = +[]() -> task<> {
        file_gate gate;
        file_gate last;
        TestType pool(1);
        {
            std::vector<std::string> announcements(40, gate.path() + "-x");
            announcements.back() = last.path();
            std::vector<std::string> const gates(40, gate.path());
            auto const job = +[](std::string a, std::string g) { return announce_and_pass(a, g); };
            stream<int> const s =
                pool.map(job, announcements, gates, {.chunksize = 1, .window = 40});
        }
        gate.open();
        auto const after = co_await pool.run(square, 2);
        REQUIRE(after == 4);
        REQUIRE_FALSE(std::filesystem::exists(last.path()));
        std::filesystem::remove(gate.path() + "-x");
    };
    run_test(body, real_clock());
}

// conformance 130
TEST_CASE("map: a job that ends because of the drop makes no way for the next one", "[map]") {
    thread_executor pool(1);
    std::atomic<int> begun{0};
    auto const until_asked = [&](const std::stop_token& stop, int) {
        ++begun;
        while (!stop.stop_requested()) {}
    };
    {
        stream<std::monostate> const s =
            pool.map(until_asked, std::views::iota(0, 3000), {.chunksize = 1, .window = 3000});
        while (begun == 0) std::this_thread::yield();
    }
    REQUIRE(pool.submit(square, 2).result() == 4);
    REQUIRE(begun == 1);
}

// conformance 134
TEMPLATE_LIST_TEST_CASE("map: the executor is shut down in the middle", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        stream<int> s = pool.map(square, numbers, {.chunksize = 1, .window = 3});
        pool.shutdown();
        for (int i = 0; i < 3; ++i) {
            auto const v = co_await s.next();
            REQUIRE(v == squares[static_cast<std::size_t>(i)]);
        }
        bool thrown = false;
        try {
            co_await s.next();
        } catch (const executor_error&) {
            thrown = true;
        }
        REQUIRE(thrown);
        REQUIRE_THROWS_AS(pool.map(square, numbers), executor_error);
    };
    run_test(body, real_clock());
}

// conformance 42
TEMPLATE_LIST_TEST_CASE("map: the executor is destroyed in the middle", "[map]", executors) {
    auto const body = +[]() -> task<> {
        auto pool = std::make_unique<TestType>(2);
        stream<int> all = pool->map(square, numbers, {.window = numbers.size()});
        stream<int> more = pool->map(square, numbers, {.chunksize = 1, .window = 3});
        pool.reset();
        auto const values = co_await all.collect();
        REQUIRE(values == squares);
        for (std::size_t i = 0; i < 3; ++i) {
            auto const v = co_await more.next();
            REQUIRE(v == squares[i]);
        }
        bool thrown = false;
        try {
            co_await more.next();
        } catch (const executor_error&) {
            thrown = true;
        }
        REQUIRE(thrown);
    };
    run_test(body, real_clock());
}

TEMPLATE_LIST_TEST_CASE("map: chunks of themselves grow for tiny jobs", "[map]", executors) {
    auto const body = +[]() -> task<> {
        TestType pool(2);
        long sum = 0;
        stream<int> s = pool.map(
            square,
            std::views::iota(0, 30'000) | std::views::transform([](int i) { return i % 100; })
        );
        while (auto v = co_await s.next()) sum += *v;
        REQUIRE(sum == 300 * 328'350L);
    };
    run_test(body, real_clock());
}

// conformance 100
TEMPLATE_LIST_TEST_CASE("map: after the end of the executor", "[map]", executors) {
    TestType pool(1);
    if constexpr (std::same_as<TestType, process_executor>) {
        pool.kill_workers();
    } else {
        pool.shutdown({.wait = false, .cancel_pending = true});
    }
    REQUIRE_THROWS_AS(pool.map(square, numbers), executor_error);
}

namespace {

struct not_to_be_sent {
    int number;
};
int number_of(const not_to_be_sent& n) { return n.number; }

}  // namespace

template <>
struct green::codec<not_to_be_sent> {
    static void encode(encoder& e, const not_to_be_sent& n) {
        if (n.number == 2) throw std::domain_error("2 is not to be sent");
        e.put(n.number);
    }
    static not_to_be_sent decode(decoder& d) { return {d.get<int>()}; }
};

// conformance 138
TEST_CASE("map: an input that cannot be sent", "[map]") {
    auto const body = []() -> task<> {
        process_executor pool(1);
        std::vector<not_to_be_sent> const inputs{{1}, {2}, {3}};
        stream<int> s = pool.map(number_of, inputs, {.chunksize = 1});
        auto const first = co_await s.next();
        REQUIRE(first == 1);
        std::string error;
        try {
            co_await s.next();
        } catch (const std::domain_error& e) {
            error = e.what();
        }
        REQUIRE(error == "2 is not to be sent");
        auto const after = co_await pool.run(square, 2);
        REQUIRE(after == 4);
    };
    run_test(body, real_clock());
}

TEST_CASE("map: results that can only be moved", "[map]") {
    auto const body = []() -> task<> {
        thread_executor pool(2);
        auto s = pool.map([](int i) { return std::make_unique<int>(i); }, numbers);
        for (int const expected : numbers) {
            auto const value = co_await s.next();
            REQUIRE(**value == expected);
        }
        auto many = pool.submit([] {
            std::vector<std::unique_ptr<int>> v;
            v.push_back(std::make_unique<int>(3));
            return v;
        });
        auto const values = co_await std::move(many);
        REQUIRE(*values.front() == 3);
    };
    run(body);
}

TEST_CASE("map: the window bounds chunks too", "[map]") {
    auto const body = []() -> task<> {
        thread_executor pool(2);
        int pulled = 0;
        auto s = pool.map(square, counting(pulled, 1000), {.chunksize = 4, .window = 8});
        for (int taken = 1; taken <= 40; ++taken) {
            static_cast<void>(co_await s.next());
            REQUIRE(pulled - taken <= 8);
        }
    };
    run(body);
}

TEST_CASE("map: several ranges are read one after the other", "[map]") {
    auto const body = []() -> task<> {
        thread_executor pool(2);
        int next = 0;
        auto const source = [&next] {
            return std::views::iota(0, 3) | std::views::transform([&next](int) { return next++; });
        };
        auto const differences = [](int x, int y) { return y - x; };
        auto const values = co_await pool.map(differences, source(), source()).collect();
        REQUIRE(values == std::vector<int>{1, 1, 1});
    };
    run(body);
}
