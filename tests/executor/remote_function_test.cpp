#include <green/executor/remote_function.hpp>

#include "executor/codec_values.hpp"
#include "executor/loop_back.hpp"
#include "executor/same_name.hpp"
#include "support/catch.hpp"

#include <green/executor/codec_error.hpp>

#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;

namespace {

bool is_even(int n) { return n % 2 == 0; }
double half(double x) noexcept { return x / 2; }
std::size_t length(const std::string& text) { return text.size(); }
int first_of(std::vector<int>&& numbers) { return numbers.at(0); }
void nothing_at_all() {}
everything same(everything value) { return value; }
int number_of(const account& a) { return a.number(); }
bool asked(std::stop_token stop, int wanted) { return stop.stop_requested() == (wanted == 1); }
std::unique_ptr<chain> chained(int n) {
    auto made = std::make_unique<chain>();
    made->value = n;
    return made;
}

struct polynomial {
    std::vector<double> coefficients;
    double operator()(double x) const {
        double sum = 0;
        for (double const c : coefficients) sum = sum * x + c;
        return sum;
    }
};

/// Counts its objects, of which each decoded one has one byte.
struct counted {
    inline static int alive = 0;
    counted() { ++alive; }
    counted(const counted&) { ++alive; }
    ~counted() { --alive; }
};

/// Deeper than the codec goes.
node nested_deeply() {
    node outer;
    for (int i = 0; i < 300; ++i) {
        node around;
        around.children.push_back(std::move(outer));
        outer = std::move(around);
    }
    return outer;
}

/// A value that its codec refuses.
class unwritable {};

std::size_t text_length(std::string text, const std::vector<std::string>& more) {
    return text.size() + more.size();
}

}  // namespace

template <>
struct green::codec<counted> {
    static void encode(encoder& e, const counted&) { e.put('c'); }
    static counted decode(decoder& d) {
        static_cast<void>(d.get<char>());
        return {};
    }
};

template <>
struct green::codec<unwritable> {
    static void encode(encoder& e, const unwritable&) {
        e.put(std::string("half of it"));
        throw codec_error("it has no bytes");
    }
    static unwritable decode(decoder&) { return {}; }
};

TEST_CASE("remote function: functions of the program are called", "[remote_function]") {
    REQUIRE(loop_back(is_even, 4));
    REQUIRE_FALSE(loop_back(is_even, 5));
    REQUIRE(loop_back(half, 3.0) == 1.5);
    REQUIRE(loop_back(length, std::string("four")) == 4);
    REQUIRE(loop_back(first_of, std::vector<int>{7, 8}) == 7);
    REQUIRE(loop_back(number_of, account(3)) == 3);
    REQUIRE(loop_back(chained, 5)->value == 5);
    REQUIRE(loop_back(same, everything()) == everything());
    loop_back(nothing_at_all);
}

TEST_CASE("remote function: a pointer chosen at run time is called", "[remote_function]") {
    double (*functions[])(double) = {half, std::sqrt, std::cbrt};  // one of them in another file
    REQUIRE(loop_back(functions[0], 8.0) == 4);
    REQUIRE(loop_back(functions[1], 9.0) == 3);
    REQUIRE(loop_back(functions[2], 8.0) == Approx(2));
}

TEST_CASE("remote function: callables without a state are called", "[remote_function]") {
    REQUIRE(loop_back([](int a, int b) { return a * b; }, 6, 7) == 42);
    REQUIRE(loop_back([](const auto& v) { return v.size(); }, std::string("xyz")) == 3);
    REQUIRE(loop_back(std::plus<>(), 1, 2) == 3);
    REQUIRE(loop_back(std::plus<std::string>(), "a", "b") == "ab");
}

TEST_CASE("remote function: a callable of members takes them along", "[remote_function]") {
    REQUIRE(loop_back(polynomial{{1, 2, 3}}, 2) == 11);
}

TEST_CASE("remote function: arguments are converted as in a call", "[remote_function]") {
    REQUIRE(loop_back(length, "literal") == 7);
    REQUIRE(loop_back(half, 3) == 1.5);
    REQUIRE(loop_back(text_length, "ab", std::vector<std::string>{"c"}) == 3);
    REQUIRE(loop_back([](std::optional<int> n) { return n.value_or(-1); }, 3) == 3);
    char array[] = "array";
    REQUIRE(loop_back(length, static_cast<const char*>(array)) == 5);
}

TEST_CASE("remote function: a job may take a stop token first", "[remote_function]") {
    REQUIRE(loop_back(asked, 0));
    std::stop_source stop;
    stop.request_stop();
    auto const request = request_of(asked, 1);
    REQUIRE(result_of<bool>(reply_to(request.bytes(), stop.get_token())));
    REQUIRE(
        loop_back([](auto... all) { return sizeof...(all); }, 1, 2) == 3
    );  // it takes one as well
    REQUIRE(loop_back([](std::stop_token token) { return token.stop_possible(); }) == false);
}

TEST_CASE("remote function: arguments are gone when the job has ended", "[remote_function]") {
    auto const request =
        request_of([](counted, const counted&) { return counted::alive; }, counted(), counted());
    REQUIRE(counted::alive == 0);
    auto const reply = reply_to(request.bytes());
    REQUIRE(counted::alive == 0);
    REQUIRE(result_of<int>(reply) >= 2);

    auto const failing = request_of([](counted) { throw std::runtime_error("no"); }, counted());
    auto const failed = reply_to(failing.bytes());
    REQUIRE(counted::alive == 0);
    REQUIRE_THROWS_WITH(result_of<void>(failed), "no");
}

TEST_CASE("remote function: equal names in two files are two functions", "[remote_function]") {
    auto const called = [](const byte_buffer& request) {
        return result_of<int>(reply_to(request.bytes()));
    };
    REQUIRE(called(call_function_1()) == 10);
    REQUIRE(called(call_function_2()) == 20);
    REQUIRE(called(call_lambda_1()) == 11);
    REQUIRE(called(call_lambda_2()) == 21);
    REQUIRE(called(call_functor_1()) == 12);
    REQUIRE(called(call_functor_2()) == 22);
}

TEST_CASE("remote function: a request is short", "[remote_function]") {
    // The descriptor's module, offset and magic, the function's module and offset, and the argument.
    REQUIRE(request_of(is_even, 4).size() == 1 + 8 + 8 + 1 + 8 + sizeof(int));
    REQUIRE(request_of([] {}).size() == 1 + 8 + 8);
}

// --- what is not as it should be

namespace {

/// Changes 8 bytes of a request to call `is_even`, and gives the error that comes of it.
std::string error_with(std::size_t at, std::uint64_t value) {
    byte_buffer request = request_of(is_even, 4);
    std::memcpy(request.data() + at, &value, sizeof value);
    try {
        return result_of<bool>(reply_to(request.bytes())) ? "true" : "false";
    } catch (const codec_error& e) {
        return e.what();
    }
}

constexpr std::size_t descriptor_at = 1;
constexpr std::size_t magic_at = 9;
constexpr std::size_t function_at = 18;

std::uint64_t number_at(const byte_buffer& bytes, std::size_t at) {
    std::uint64_t number = 0;
    std::memcpy(&number, bytes.data() + at, sizeof number);
    return number;
}

}  // namespace

TEST_CASE("remote function: a place that is no descriptor is refused", "[remote_function]") {
    std::uint64_t const right = number_at(request_of(is_even, 4), descriptor_at);
    REQUIRE(error_with(descriptor_at, right) == "true");
    for (std::uint64_t const wrong :
         {std::uint64_t{0}, right + 1, right + 8, right - 8, right + (1U << 30), ~std::uint64_t{0},
          ~std::uint64_t{7}, std::uint64_t{1} << 63}) {
        REQUIRE(error_with(descriptor_at, wrong).starts_with("decode the descriptor of a job"));
    }
    REQUIRE(error_with(magic_at, 1).ends_with("what is at its place is for other types"));
}

TEST_CASE("remote function: the descriptor of other types is refused", "[remote_function]") {
    std::uint64_t const other = number_at(request_of(half, 4.0), descriptor_at);
    REQUIRE(error_with(descriptor_at, other).ends_with("what is at its place is for other types"));
}

TEST_CASE("remote function: a place that is no code is refused", "[remote_function]") {
    static int data = 0;
    std::uint64_t const places[] = {
        detail::main_module().offset_of(&data), std::uint64_t{1} << 40, ~std::uint64_t{0}
    };
    for (std::uint64_t const wrong : places) {
        REQUIRE(error_with(function_at, wrong).ends_with("no code of its module"));
    }
}

TEST_CASE("remote function: a request that is cut short is refused", "[remote_function]") {
    byte_buffer const request = request_of(polynomial{{1, 2}}, 3.0);
    for (std::size_t n = 0; n < request.size(); ++n) {
        auto const reply = reply_to(request.bytes().first(n));
        REQUIRE_THROWS_AS(result_of<double>(reply), codec_error);
    }
}

TEST_CASE("remote function: a reply that is torn is a codec_error", "[remote_function]") {
    byte_buffer const reply = reply_to(request_of(length, "text").bytes());
    for (std::size_t n = 0; n < reply.size(); ++n) {
        decoder d(reply.bytes().first(n));
        REQUIRE(detail::decode_reply<std::size_t>(d).error);
    }
    byte_buffer longer;
    encoder(longer).write(reply.data(), reply.size());
    encoder(longer).put('x');
    REQUIRE_THROWS_AS(result_of<std::size_t>(longer), codec_error);
    longer.clear();
    encoder(longer).put('\2');
    REQUIRE_THROWS_AS(result_of<void>(longer), codec_error);
}

TEST_CASE(
    "remote function: a result that cannot be written is the job's error", "[remote_function]"
) {
    REQUIRE_THROWS_WITH(loop_back([] { return unwritable(); }), "it has no bytes");
    REQUIRE_THROWS_AS(loop_back(nested_deeply), codec_error);
    REQUIRE_THROWS_WITH(request_of([](const unwritable&) {}, unwritable()), "it has no bytes");
}
