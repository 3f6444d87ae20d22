#include <green/executor/fields.hpp>

#include "support/catch.hpp"

#include <any>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <variant>
#include <vector>

using green::detail::field_count;
using green::detail::fields_of;
using green::detail::has_fields;
using green::detail::types;

namespace {

struct none {};
struct one {
    int a;
};
struct inner {
    int a;
    std::optional<inner*> b;
};
struct one_inner {
    inner a;
};
struct optionals {
    std::optional<int> a;
    std::optional<std::string> b;
    std::optional<std::vector<int>> c;
    std::optional<std::optional<int>> d;
    std::optional<inner> e;
};
struct nested {
    inner a;
    one b;
    none c;
    std::array<one, 3> d;
    std::optional<nested*> e;
};
struct arrays {
    char name[32];
    int n;
    double matrix[2][3];
    std::optional<int> maybe[2];
    inner inners[2];
    std::array<int, 4> row;
    int single[1];
};
struct wrappers {
    std::variant<int, std::string> a;
    std::tuple<int> b;
    std::unique_ptr<int> c;
    std::tuple<std::optional<int>, std::string> d;
    std::vector<wrappers> e;
    std::any f;
};
struct no_default {
    explicit no_default(int) {}
};
struct with_no_default {
    int a;
    no_default b;
    const bool c = true;
    no_default d;
    int e = 4;
};
struct with_initialisers {
    int a = 1;
    std::string b = "b";
    bool c : 1 = true;
};
struct derived : one {
    int b;
};
struct derived_from_nothing : none {
    int b;
};
struct with_constructor {
    with_constructor() {}
    int a = 0;
};
union either {
    int a;
    float b;
};
struct sixty_four {
    int a[1], b, c, d, e, f, g, h, i, j, k, l, m, n, o, p;
    char a1, b1, c1, d1, e1, f1, g1, h1, i1, j1, k1, l1, m1, n1, o1, p1;
    one a2, b2, c2, d2, e2, f2, g2, h2, i2, j2, k2, l2, m2, n2, o2, p2;
    std::optional<int> a3, b3, c3, d3, e3, f3, g3, h3, i3, j3, k3, l3, m3, n3, o3, p3;
};
struct sixty_five {
    sixty_four a;
    int b;
};

}  // namespace

TEST_CASE("fields: the members of an aggregate are counted", "[fields]") {
    STATIC_REQUIRE(field_count<none> == 0);
    STATIC_REQUIRE(field_count<one> == 1);
    STATIC_REQUIRE(field_count<one_inner> == 1);
    STATIC_REQUIRE(field_count<optionals> == 5);
    STATIC_REQUIRE(field_count<nested> == 5);
    STATIC_REQUIRE(field_count<wrappers> == 6);
    STATIC_REQUIRE(field_count<with_no_default> == 5);
    STATIC_REQUIRE(field_count<with_initialisers> == 3);
    STATIC_REQUIRE(field_count<sixty_four> == 64);
    STATIC_REQUIRE(field_count<sixty_five> == 2);
}

TEST_CASE("fields: an array is one member", "[fields]") {
    STATIC_REQUIRE(field_count<arrays> == 7);
    STATIC_REQUIRE(std::is_same_v<
                   fields_of<arrays>,
                   types<
                       char[32], int, double[2][3], std::optional<int>[2], inner[2],
                       std::array<int, 4>, int[1]>>);
}

TEST_CASE("fields: what is no aggregate of members has none", "[fields]") {
    STATIC_REQUIRE(has_fields<one>());
    STATIC_REQUIRE(!has_fields<int>());
    STATIC_REQUIRE(!has_fields<std::string>());
    STATIC_REQUIRE(!has_fields<int[3]>());
    STATIC_REQUIRE(!has_fields<either>());
    STATIC_REQUIRE(!has_fields<derived>());
    STATIC_REQUIRE(!has_fields<derived_from_nothing>());
    STATIC_REQUIRE(!has_fields<with_constructor>());
}

TEST_CASE("fields: they are visited in order and in place", "[fields]") {
    nested n{{1, {}}, {2}, {}, {}, {}};
    green::detail::with_fields(n, [&](auto& a, auto& b, auto&...) {
        REQUIRE(&a == &n.a);
        b.a = 7;
    });
    REQUIRE(n.b.a == 7);

    const one fixed{3};
    int const value = green::detail::with_fields(fixed, [](const int& a) { return a; });
    REQUIRE(value == 3);

    sixty_four many{};
    many.p3 = 64;
    green::detail::with_fields(many, [&](auto&... members) {
        auto& last = std::get<63>(std::tie(members...));
        REQUIRE(last == 64);
    });
    STATIC_REQUIRE(std::is_same_v<
                   fields_of<with_no_default>, types<int, no_default, bool, no_default, int>>);
}
