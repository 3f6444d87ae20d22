#include <green/core/intrusive_list.hpp>

#include "support/catch.hpp"

#include <vector>

namespace {

struct element : green::detail::list_node<element> {
    explicit element(int n) : number(n) {}
    int number;
};
using list = green::detail::intrusive_list<element>;

std::vector<int> numbers(const list& l) {
    std::vector<int> out;
    for (element* e = l.front(); e; e = l.after(*e)) out.push_back(e->number);
    return out;
}

TEST_CASE("an intrusive list is a FIFO", "[intrusive_list]") {
    element a(1), b(2), c(3);
    list l;
    REQUIRE(l.empty());
    REQUIRE(l.front() == nullptr);
    REQUIRE(l.back() == nullptr);
    REQUIRE(l.pop_front() == nullptr);
    l.push_back(a);
    REQUIRE(l.front() == &a);
    REQUIRE(l.back() == &a);
    l.push_back(b);
    l.push_back(c);
    REQUIRE(numbers(l) == std::vector<int>{1, 2, 3});
    REQUIRE(l.back() == &c);
    REQUIRE(l.pop_front() == &a);
    REQUIRE_FALSE(a.linked());
    REQUIRE(l.pop_front() == &b);
    REQUIRE(l.pop_front() == &c);
    REQUIRE(l.empty());
}

TEST_CASE("an element may come to the front of an intrusive list", "[intrusive_list]") {
    element a(1), b(2), c(3);
    list l;
    l.push_front(b);
    l.push_back(c);
    l.push_front(a);
    REQUIRE(numbers(l) == std::vector<int>{1, 2, 3});
    REQUIRE(l.back() == &c);
    while (l.pop_front()) {}
}

TEST_CASE(
    "an element leaves an intrusive list from any place and may come again", "[intrusive_list]"
) {
    element a(1), b(2), c(3), d(4);
    list l;
    for (element* e : {&a, &b, &c, &d}) l.push_back(*e);
    l.remove(b);
    REQUIRE(numbers(l) == std::vector<int>{1, 3, 4});
    l.remove(a);
    REQUIRE(l.front() == &c);
    l.remove(d);
    REQUIRE(l.back() == &c);
    REQUIRE_FALSE(b.linked());
    l.push_back(b);
    l.push_back(a);
    REQUIRE(numbers(l) == std::vector<int>{3, 2, 1});
    l.remove(c);
    l.remove(a);
    l.remove(b);
    REQUIRE(l.empty());
}

}  // namespace
