#pragma once

#include <green/executor/codec_std.hpp>

#include <array>
#include <chrono>
#include <complex>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

// Types that are sent in the tests of the codec, with a value of each.

namespace green_test {

enum class colour : std::uint8_t { red, green, blue };
enum plain_colour { plain_red, plain_green };

struct point {
    double x = 0;
    double y = 0;
    friend bool operator==(const point&, const point&) = default;
};

struct padded {
    std::int8_t small = 0;
    std::int64_t big = 0;
    friend bool operator==(const padded&, const padded&) = default;
};

struct nothing {
    friend bool operator==(const nothing&, const nothing&) = default;
};

struct node {
    std::string name;
    std::vector<node> children;
    friend bool operator==(const node&, const node&) = default;
};

struct chain {
    int value = 0;
    std::unique_ptr<chain> next;
};

/// Cannot be assigned.
struct constant {
    const std::string name;
    const bool fixed = false;
    friend bool operator==(const constant&, const constant&) = default;
};

/// Its inside is its own; it writes nothing at all for 0.
class account {
public:
    explicit account(int number) : number_(number) {}
    int number() const { return number_; }
    friend bool operator==(const account&, const account&) = default;

private:
    int number_;
};

struct item {
    std::int64_t id = 0;
    std::string name;
    std::vector<std::string> tags[2];
    std::optional<double> score;
    std::map<std::string, int> counts;
    point where;
    colour shade = colour::red;
    friend bool operator==(const item&, const item&) = default;
};

struct everything {
    bool yes = true;
    char letter = 'g';
    unsigned short small = 7;
    std::int32_t number = -5;
    std::uint64_t big = 1;
    float ratio = 0.5F;
    long double precise = 1.25L;
    std::byte raw{9};
    colour shade = colour::blue;
    plain_colour plain = plain_green;
    std::string text = "text";
    std::u16string wide = u"wide";
    std::vector<double> row{1, 2, 3};
    std::vector<bool> flags{true, false, true};
    std::vector<point> points{{1, 2}, {3, 4}};
    std::vector<padded> paddings{{1, 2}};
    std::vector<nothing> nothings{{}, {}};
    std::vector<std::string> words{"a", "", "ccc"};
    std::array<int, 3> three{1, 2, 3};
    std::array<std::string, 2> two{"x", "y"};
    std::optional<int> some = 4;
    std::optional<std::string> none;
    std::variant<std::monostate, int, std::string> either = "either";
    std::tuple<int, std::string, nothing> mixed{1, "one", {}};
    std::pair<std::string, int> pair{"two", 2};
    std::chrono::milliseconds time{1500};
    std::chrono::system_clock::time_point when{std::chrono::seconds(12)};
    std::deque<int> queue{1, 2};
    std::list<std::string> list{"l"};
    std::set<int> set{3, 1, 2};
    std::multiset<int> multiset{1, 1};
    std::map<std::string, std::vector<int>> map{{"k", {1}}, {"l", {}}};
    std::multimap<int, int> multimap{{1, 1}, {1, 2}};
    std::unordered_set<std::string> hashed{"h"};
    std::unordered_multiset<int> multihashed{2, 2};
    std::unordered_map<int, std::string> table{{1, "one"}};
    std::unordered_multimap<int, int> multitable{{1, 1}, {1, 1}};
    std::complex<double> z{1, -1};
    node tree{"root", {{"leaf", {}}, {"branch", {{"twig", {}}}}}};
    friend bool operator==(const everything&, const everything&) = default;
};

}  // namespace green_test

template <>
struct green::codec<green_test::account> {
    static void encode(encoder& e, const green_test::account& a) {
        for (int i = 0; i < a.number(); ++i) e.put('1');
    }
    static green_test::account decode(decoder& d) {
        int number = 0;
        while (d.remaining() > 0) {
            if (d.get<char>() != '1') d.fail("an account", "not a 1");
            ++number;
        }
        return green_test::account(number);
    }
};
