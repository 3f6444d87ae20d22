#include <green/core/time.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <limits>

namespace {

using namespace std::chrono_literals;
using green::detail::saturating_add;
using green::detail::to_nanoseconds;
using std::chrono::duration;
using std::chrono::nanoseconds;

TEST_CASE("durations are rounded up to nanoseconds", "[time]") {
    using picoseconds = duration<std::int64_t, std::pico>;
    REQUIRE(to_nanoseconds(picoseconds(1)) == 1ns);
    REQUIRE(to_nanoseconds(picoseconds(1000)) == 1ns);
    REQUIRE(to_nanoseconds(picoseconds(1001)) == 2ns);
    REQUIRE(to_nanoseconds(picoseconds(-1)) == 0ns);
    REQUIRE(to_nanoseconds(duration<double>(0.25)) == 250ms);
    REQUIRE(to_nanoseconds(duration<double, std::nano>(1.5)) == 2ns);
    REQUIRE(to_nanoseconds(duration<float>(2.0F)) == 2s);
    REQUIRE(to_nanoseconds(5min) == 300s);
}

// conformance 277
TEST_CASE("huge durations saturate", "[time]") {
    REQUIRE(to_nanoseconds(std::chrono::years(1000)) == nanoseconds::max());
    REQUIRE(to_nanoseconds(std::chrono::years(-1000)) == nanoseconds::min());
    REQUIRE(to_nanoseconds(std::chrono::seconds(std::int64_t{1} << 55)) == nanoseconds::max());
    REQUIRE(to_nanoseconds(std::chrono::hours::max()) == nanoseconds::max());
    REQUIRE(to_nanoseconds(std::chrono::hours::min()) == nanoseconds::min());
    double const infinity = std::numeric_limits<double>::infinity();
    REQUIRE(to_nanoseconds(duration<double>(infinity)) == nanoseconds::max());
    REQUIRE(to_nanoseconds(duration<double>(-infinity)) == nanoseconds::min());
    REQUIRE(
        to_nanoseconds(duration<double>(std::numeric_limits<double>::quiet_NaN())) ==
        nanoseconds::max()
    );
    REQUIRE(to_nanoseconds(duration<double>(1e300)) == nanoseconds::max());
}

TEST_CASE("a deadline is never before its start nor beyond the end of time", "[time]") {
    green::clock::time_point const start(5s);
    REQUIRE(saturating_add(start, 2s) == start + 2s);
    REQUIRE(saturating_add(start, 0s) == start);
    REQUIRE(saturating_add(start, -2s) == start);
    REQUIRE(saturating_add(start, green::forever) == green::clock::time_point::max());
    REQUIRE(saturating_add(start, green::forever - 5s) == green::clock::time_point::max());
    REQUIRE(saturating_add(start, nanoseconds::min()) == start);
}

}  // namespace
