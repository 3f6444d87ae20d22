#include <green/core/errors.hpp>

#include "support/catch.hpp"

#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

std::exception_ptr error(const char* text) {
    return std::make_exception_ptr(std::runtime_error(text));
}

TEST_CASE("an exception_group keeps all errors in order", "[errors]") {
    green::exception_group const group({error("first"), error("second")});
    REQUIRE(group.exceptions().size() == 2);
    REQUIRE(std::string(group.what()) == "2 tasks failed: (1) first (2) second");
    green::exception_group const copy = group;
    REQUIRE(copy.exceptions()[1] == group.exceptions()[1]);
}

TEST_CASE("one error is thrown as it is, several as a group", "[errors]") {
    REQUIRE_THROWS_WITH(green::detail::throw_all({error("alone")}), "alone");
    REQUIRE_THROWS_AS(
        green::detail::throw_all({error("one"), error("two")}), green::exception_group
    );
}

TEST_CASE("any exception can be described", "[errors]") {
    REQUIRE(green::detail::describe(error("text")) == "text");
    REQUIRE(
        green::detail::describe(std::make_exception_ptr(5)) ==
        "an exception that is no std::exception"
    );
    REQUIRE(green::detail::describe(nullptr) == "no error");
}

TEST_CASE("green's errors are runtime errors", "[errors]") {
    REQUIRE_THROWS_AS(throw green::timeout_error("t"), std::runtime_error);
    REQUIRE_THROWS_AS(throw green::cancelled_error("c"), std::runtime_error);
    REQUIRE_THROWS_AS(throw green::closed_error("c"), std::runtime_error);
    REQUIRE_THROWS_AS(throw green::deadlock_error("d"), std::runtime_error);
    REQUIRE_THROWS_AS(throw green::exception_group({error("e")}), std::runtime_error);
}

}  // namespace
