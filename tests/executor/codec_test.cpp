#include "executor/codec_values.hpp"
#include "support/catch.hpp"

#include <green/executor/codec_error.hpp>
#include <green/executor/codec_std.hpp>

#include <climits>
#include <filesystem>
#include <functional>
#include <limits>
#include <span>
#include <string_view>

using namespace green;
using namespace green_test;

namespace {

template <class T>
byte_buffer encoded(const T& value) {
    byte_buffer bytes;
    encoder(bytes).put(value);
    return bytes;
}

template <class T>
T decoded(const byte_buffer& bytes) {
    decoder d(bytes.bytes());
    T value = d.get<T>();
    d.expect_end("the value");
    return value;
}

template <class T>
bool comes_back(const T& value) {
    return decoded<T>(encoded(value)) == value;
}

template <class T, class... Byte>
std::string error_of(Byte... bytes) {
    std::byte const raw[] = {static_cast<std::byte>(bytes)..., std::byte{}};
    try {
        decoder d(std::span(raw, sizeof...(Byte)));
        static_cast<void>(d.get<T>());
        d.expect_end("the value");
    } catch (const codec_error& e) {
        return e.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("codec: a value of every kind comes back", "[codec]") {
    everything const value;
    REQUIRE(comes_back(value));

    item thing;
    thing.id = LLONG_MIN;
    thing.tags[1] = {"a", std::string(1000, 'b')};
    thing.score = 2.5;
    thing.counts = {{"one", 1}};
    REQUIRE(comes_back(thing));
    REQUIRE(comes_back(constant{"constant", true}));
}

TEST_CASE("codec: numbers at their limits come back", "[codec]") {
    REQUIRE(comes_back(INT_MIN));
    REQUIRE(comes_back(ULLONG_MAX));
    REQUIRE(comes_back(std::numeric_limits<double>::infinity()));
    REQUIRE(comes_back(std::numeric_limits<double>::denorm_min()));
    REQUIRE(comes_back(std::numeric_limits<long double>::max()));
    REQUIRE(comes_back(L'\0'));
    REQUIRE(comes_back(std::nullopt == std::optional<int>()));
    REQUIRE(encoded(1).size() == sizeof(int));
    REQUIRE(encoded(true).size() == 1);
}

TEST_CASE("codec: lengths of all sizes come back", "[codec]") {
    for (std::size_t n : {0, 1, 254, 255, 256, 100'000}) {
        REQUIRE(comes_back(std::string(n, 'x')));
        REQUIRE(comes_back(std::vector<std::uint16_t>(n, 7)));
        REQUIRE(comes_back(std::vector<bool>(n, true)));
        REQUIRE(comes_back(std::vector<nothing>(n)));
        REQUIRE(comes_back(std::vector<std::vector<int>>(n)));
    }
    REQUIRE(encoded(std::string(254, 'x')).size() == 255);
    REQUIRE(encoded(std::string(255, 'x')).size() == 264);
}

TEST_CASE("codec: numbers in a row are written as they lie in memory", "[codec]") {
    STATIC_REQUIRE(detail::is_bitwise<point>);
    STATIC_REQUIRE(detail::is_bitwise<std::array<point, 2>>);
    STATIC_REQUIRE(detail::is_bitwise<std::chrono::seconds>);
    STATIC_REQUIRE(detail::is_bitwise<colour>);
    STATIC_REQUIRE(!detail::is_bitwise<plain_colour>);
    STATIC_REQUIRE(!detail::is_bitwise<padded>);
    STATIC_REQUIRE(!detail::is_bitwise<bool>);
    STATIC_REQUIRE(!detail::is_bitwise<account>);
    std::vector<point> const points(3, point{1, 2});
    REQUIRE(encoded(points).size() == 1 + sizeof(point) * 3);
}

TEST_CASE("codec: pointers that own come back", "[codec]") {
    chain first{1, std::make_unique<chain>()};
    first.next->value = 2;
    auto const copy = decoded<chain>(encoded(first));
    REQUIRE(copy.value == 1);
    REQUIRE(copy.next->value == 2);
    REQUIRE(copy.next->next == nullptr);
}

TEST_CASE("codec: paths come back", "[codec]") {
    REQUIRE(comes_back(std::filesystem::path("/tmp/x")));
    REQUIRE(comes_back(std::vector<std::filesystem::path>{"a", "", "b/c"}));
}

TEST_CASE("codec: a type may write its own", "[codec]") {
    REQUIRE(comes_back(account(0)));
    REQUIRE(comes_back(account(3)));
    REQUIRE(error_of<account>('1', '2') == "decode an account at byte 2 of 2: not a 1");
}

TEST_CASE("codec: what refers to something is refused", "[codec]") {
    STATIC_REQUIRE(serialisable<everything>);
    STATIC_REQUIRE(serialisable<node>);
    STATIC_REQUIRE(serialisable<account>);
    STATIC_REQUIRE(serialisable<std::vector<std::optional<account>>>);
    STATIC_REQUIRE(!serialisable<int*>);
    STATIC_REQUIRE(!serialisable<const char*>);
    STATIC_REQUIRE(!serialisable<int&>);
    STATIC_REQUIRE(!serialisable<int point::*>);
    STATIC_REQUIRE(!serialisable<std::nullptr_t>);
    STATIC_REQUIRE(!serialisable<void>);
    STATIC_REQUIRE(!serialisable<int[3]>);
    STATIC_REQUIRE(!serialisable<std::string_view>);
    STATIC_REQUIRE(!serialisable<std::span<int>>);
    STATIC_REQUIRE(!serialisable<std::reference_wrapper<int>>);
    STATIC_REQUIRE(!serialisable<std::function<void()>>);
    STATIC_REQUIRE(!serialisable<std::shared_ptr<int>>);
    STATIC_REQUIRE(!serialisable<std::unique_ptr<std::streambuf>>);
    STATIC_REQUIRE(!serialisable<std::vector<std::map<int, std::string_view>>>);
    STATIC_REQUIRE(!serialisable<std::tuple<int, int&>>);
    STATIC_REQUIRE(!serialisable<std::variant<int, void*>>);
    STATIC_REQUIRE(!serialisable<std::set<int, bool (*)(int, int)>>);
}

TEST_CASE("codec: what is read is named in the error", "[codec]") {
    REQUIRE(error_of<bool>(2) == "decode a bool at byte 1 of 1: neither 0 nor 1");
    REQUIRE(error_of<bool>() == "decode a bool at byte 0 of 0: 1 byte wanted, 0 left");
    REQUIRE(error_of<int>(1, 2) == "decode a number at byte 0 of 2: 4 bytes wanted, 2 left");
    REQUIRE(
        error_of<std::string>(9, 'x') ==
        "decode a std::string at byte 1 of 2: a length of 9, 1 byte left"
    );
    REQUIRE(
        error_of<std::variant<int, bool>>(2, 0) ==
        "decode a std::variant at byte 1 of 2: no such alternative"
    );
    REQUIRE(error_of<char>('a', 'b') == "decode the value at byte 1 of 2: 1 byte left over");
}

TEST_CASE("codec: a length is written in one way only", "[codec]") {
    REQUIRE(
        error_of<std::string>(0xff, 0, 0, 0, 0, 0, 0, 0, 0) ==
        "decode a std::string at byte 9 of 9: a length that is written in a wrong way"
    );
    REQUIRE(error_of<std::vector<nothing>>(1, 1).ends_with("no end of an element"));
}

TEST_CASE("codec: a length is no reason to take memory", "[codec]") {
    // 2^56 elements of some kinds, of which none is there.
    auto const most = []<class T>(std::type_identity<T>) {
        return error_of<T>(0xff, 0, 0, 0, 0, 0, 0, 0, 1);
    };
    REQUIRE(most(std::type_identity<std::string>()).ends_with("0 bytes left"));
    REQUIRE(most(std::type_identity<std::vector<double>>()).ends_with("0 bytes left"));
    REQUIRE(most(std::type_identity<std::vector<nothing>>()).ends_with("0 bytes left"));
    REQUIRE(most(std::type_identity<std::vector<account>>()).ends_with("0 bytes left"));
    REQUIRE(most(std::type_identity<std::unordered_map<int, int>>()).ends_with("0 bytes left"));
    REQUIRE(detail::modest_reserve(1'000'000, 1'000'000, 1'000'000) == 5);
}

TEST_CASE("codec: containers are not nested without end", "[codec]") {
    node deep;
    for (std::size_t i = 1; i < encoder::deepest; ++i) {
        node outer;
        outer.children.push_back(std::move(deep));
        deep = std::move(outer);
    }
    REQUIRE(comes_back(deep));
    node deeper;
    deeper.children.push_back(std::move(deep));
    REQUIRE_THROWS_WITH(encoded(deeper), Catch::Contains("more than 200 containers"));

    // Nodes without a name and with one child each.
    byte_buffer bytes;
    for (int i = 0; i < 1'000'000; ++i) encoder(bytes).write("\0\1", 2);
    decoder d(bytes.bytes());
    REQUIRE_THROWS_WITH(d.get<node>(), Catch::Contains("too many containers"));
}

TEST_CASE("codec: arguments are read one by one, to the end", "[codec]") {
    byte_buffer bytes;
    encoder e(bytes);
    detail::encode_all(e, 1, std::string("two"), 3.0);
    decoder d(bytes.bytes());
    auto const all = detail::decode_all<int, std::string, double>(d, "the arguments");
    REQUIRE(all == std::tuple(1, std::string("two"), 3.0));

    decoder again(bytes.bytes());
    REQUIRE_THROWS_AS((detail::decode_all<int, std::string>(again, "the arguments")), codec_error);
}
