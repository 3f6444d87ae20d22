#pragma once

// What tests of green are made of.
//
//     GREEN_TEST("sleep_for ends at its time", "[sleep]") {
//         co_await green::sleep_for(2ms);
//         REQUIRE(elapsed() == 2ms);
//     }
//
// The body is a green task: the main of a run of its own on the virtual clock, so it may spawn, sleep
// and be exact about time. A failure that nobody looks at fails the test (but see expect_unhandled).
// Await first, assert then: no co_await inside REQUIRE.
//
// Every test case of the executable, whether written so or as a plain TEST_CASE, is watched: after
// 20 s of real time (times GREEN_TEST_TIMEOUT_SCALE) its tasks are dumped and the process ends with
// status 124.

#include "support/catch.hpp"

#include <green/core/task.hpp>
#include <green/core/time.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/run.hpp>
#include <green/loop/run_options.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace green_test {

using namespace std::chrono_literals;

using body = green::task<> (*)();

/// Runs `b` as main. Fails the test for every failure that nobody looked at and nobody expected.
void run_test(body b, const green::run_options& options);

inline green::run_options virtual_clock() {
    green::run_options options;
    options.virtual_time = true;
    return options;
}
inline green::run_options real_clock() { return {}; }

/// How long this test has run, on the loop's clock. Outside a GREEN_TEST: since the clock's zero.
std::chrono::nanoseconds elapsed();

/// Inside a GREEN_TEST: by the end of the run one failure whose text contains `what` will have been
/// nobody's. The test fails if there is none, or another one.
void expect_unhandled(std::string what);

/// Tells the watchdog which loop to ask for a dump: for plain TEST_CASEs that call `run` themselves.
void watch_this_loop();

/// For the process's main only: the watchdog's test case begins, ends.
void watch_begin(std::string test_case);
void watch_end();

/// Events in the order in which they happened: `a b@5 c@7`.
class recorder {
public:
    void note(std::string_view event);
    /// With the time in milliseconds, `event@5`. Fractions are printed if there are any.
    void stamp(std::string_view event);
    const std::string& text() const { return text_; }
    void clear() { text_.clear(); }

private:
    std::string text_;
};

/// Counts the trackers that point to it.
class census {
public:
    int live() const { return live_; }
    int born() const { return born_; }
    /// Destructions of what was no live tracker.
    int wrongly_destroyed() const { return wrongly_destroyed_; }
    /// All that were born are gone, each once.
    bool clean() const { return live_ == 0 && wrongly_destroyed_ == 0; }

private:
    friend class tracker;
    int live_ = 0;
    int born_ = 0;
    int wrongly_destroyed_ = 0;
};

/// A local variable or argument of a coroutine that proves that its frame is destroyed, once.
class tracker {
public:
    explicit tracker(census& c) : census_(&c) { begin(); }
    tracker(const tracker& o) : census_(o.census_) { begin(); }
    tracker& operator=(const tracker&) = delete;
    ~tracker();

private:
    static constexpr unsigned alive = 0xa11fe;

    void begin() {
        ++census_->live_;
        ++census_->born_;
        state_ = alive;
    }

    census* census_;
    volatile unsigned state_ = 0;  // volatile: the destructor's store must be seen by a second one
};

}  // namespace green_test

#define GREEN_TEST_CONCAT_2(a, b) a##b
#define GREEN_TEST_CONCAT(a, b) GREEN_TEST_CONCAT_2(a, b)
#define GREEN_TEST_CASE(body_name, options, ...) \
    static ::green::task<> body_name(); \
    TEST_CASE(__VA_ARGS__) { ::green_test::run_test(&body_name, options); } \
    static ::green::task<> body_name()

/// A test whose body is a green task, on the virtual clock, on the real one, with any run_options.
#define GREEN_TEST(...) \
    GREEN_TEST_CASE( \
        GREEN_TEST_CONCAT(green_test_body_, __LINE__), ::green_test::virtual_clock(), __VA_ARGS__ \
    )
#define GREEN_TEST_REAL_CLOCK(...) \
    GREEN_TEST_CASE( \
        GREEN_TEST_CONCAT(green_test_body_, __LINE__), ::green_test::real_clock(), __VA_ARGS__ \
    )
#define GREEN_TEST_WITH(options, ...) \
    GREEN_TEST_CASE(GREEN_TEST_CONCAT(green_test_body_, __LINE__), options, __VA_ARGS__)
