#include <green/loop/birth_marks.hpp>

#include "support/catch.hpp"

#include <chrono>
#include <cstdint>
#include <vector>

namespace {

using namespace std::chrono_literals;
using green::detail::birth_marks;
using time_point = green::clock::time_point;

TEST_CASE("a task's birth is found from its number", "[birth_marks]") {
    birth_marks marks;
    marks.note(1, time_point(0ms));
    marks.note(1, time_point(5ms));  // none was made meanwhile
    marks.note(12, time_point(20ms));  // #1 to #11
    marks.note(13, time_point(40ms));
    REQUIRE(marks.born(1) == time_point(5ms));
    REQUIRE(marks.born(11) == time_point(5ms));
    REQUIRE(marks.born(12) == time_point(20ms));
    REQUIRE(marks.born(13) == time_point(40ms));
    REQUIRE(marks.born(1000) == time_point(40ms));
}

TEST_CASE("births are known to a millisecond, those of long ago to a fraction", "[birth_marks]") {
    birth_marks marks;
    std::vector<time_point> births{time_point()};
    time_point now{};
    for (std::uint64_t id = 1; id <= 300'000; ++id) {
        now += id % 7 * 500us;
        marks.note(id, now);
        births.push_back(now);
    }
    REQUIRE(marks.size() <= 2048);
    for (std::uint64_t id = 1; id < births.size(); id += 13) {
        auto const age = now - births[id];
        auto const told = now - marks.born(id);
        REQUIRE(told >= age);
        REQUIRE(told - age <= 4ms + age / 32);
    }
}

}  // namespace
