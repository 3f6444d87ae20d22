#include "executor/codec_values.hpp"
#include "executor/loop_back.hpp"
#include "support/catch.hpp"

#include <green/core/config.hpp>
#include <green/executor/codec_error.hpp>
#include <green/executor/codec_std.hpp>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <random>
#include <string>

// Messages that are cut short or changed give a codec_error or another valid value: never a crash, and
// never more memory than the message is worth. The seed is Catch's: --rng-seed.

using namespace green;
using namespace green_test;

namespace {

constexpr int changes = GREEN_ASAN ? 20'000 : 100'000;

// --- memory

/// What the containers of a value have taken.
struct meter {
    inline static std::size_t now = 0;
    inline static std::size_t most = 0;
};

template <class T>
struct metered_allocator {
    using value_type = T;
    metered_allocator() = default;
    template <class U>
    metered_allocator(const metered_allocator<U>&) {}  // NOLINT(google-explicit-constructor)

    T* allocate(std::size_t n) {
        meter::now += n * sizeof(T);
        meter::most = std::max(meter::most, meter::now);
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept {
        meter::now -= n * sizeof(T);
        std::allocator<T>().deallocate(p, n);
    }
    friend bool operator==(metered_allocator, metered_allocator) { return true; }
};

template <class T>
using metered_vector = std::vector<T, metered_allocator<T>>;
using metered_string = std::basic_string<char, std::char_traits<char>, metered_allocator<char>>;

struct metered {
    metered_string text;
    metered_vector<double> row;
    metered_vector<metered_string> words;
    metered_vector<std::optional<std::array<point, 8>>> wide;
    metered_vector<nothing> nothings;
    std::map<
        int,
        metered_string,
        std::less<>,
        metered_allocator<std::pair<const int, metered_string>>>
        map;
    std::unordered_set<int, std::hash<int>, std::equal_to<>, metered_allocator<int>> set;
    metered_vector<metered> inner;
};

metered make_metered(int depth) {
    metered value;
    value.text = "a text that is too long for the string itself";
    value.row.assign(20, 1.5);
    value.words.assign(5, value.text);
    value.wide.resize(3);
    value.wide[1].emplace();
    value.nothings.resize(7);
    value.map = {{1, "one"}, {2, value.text}};
    value.set = {1, 2, 3};
    if (depth > 0) value.inner.assign(2, make_metered(depth - 1));
    return value;
}

// --- changes

/// Other bytes: cut short, some of them different, or some of them the beginning of a big length.
class spoiler {
public:
    explicit spoiler(std::uint64_t seed) : random_(seed) {}

    byte_buffer spoil(std::span<const std::byte> bytes) {
        byte_buffer copy;
        encoder(copy).write(bytes.data(), bytes.size());
        if (below(4) == 0) copy.truncate(below(bytes.size()));
        for (std::size_t n = 1 + below(3); n > 0 && !copy.empty(); --n) {
            copy.data()[below(copy.size())] = any_byte();
        }
        return copy;
    }

private:
    std::size_t below(std::size_t n) {
        return std::uniform_int_distribution<std::size_t>(0, n - 1)(random_);
    }
    std::byte any_byte() {
        return below(3) == 0 ? std::byte{0xff} : static_cast<std::byte>(below(256));
    }

    std::mt19937_64 random_;
};

template <class F>
void spoil_often(const byte_buffer& bytes, int times, F use) {
    auto const seed = Catch::rngSeed();
    INFO("--rng-seed " << seed);
    spoiler all(seed);
    for (int i = 0; i < times; ++i) use(all.spoil(bytes.bytes()));
    SUCCEED();
}

/// Whether the bytes are a value. No exception but codec_error.
template <class T>
bool decodes(std::span<const std::byte> bytes) {
    try {
        decoder d(bytes);
        static_cast<void>(d.get<T>());
        d.expect_end("the value");
        return true;
    } catch (const codec_error&) {
        return false;
    }
}

}  // namespace

TEST_CASE("codec: every message that is cut short is refused", "[codec]") {
    everything value;
    value.plain = plain_red;
    byte_buffer bytes;
    encoder(bytes).put(value);
    REQUIRE(decodes<everything>(bytes.bytes()));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        REQUIRE_FALSE(decodes<everything>(bytes.bytes().first(n)));
    }
}

TEST_CASE("codec: a changed message is refused or another value", "[codec]") {
    byte_buffer bytes;
    item value;
    value.tags[0] = {"one", "two"};
    value.counts = {{"three", 3}, {"four", 4}};
    encoder(bytes).put(
        std::tuple(value, node{"a", {{"b", {{"c", {}}}}}}, std::vector<item>(3, value))
    );
    using type = std::tuple<item, node, std::vector<item>>;
    int valid = 0;
    spoil_often(bytes, changes, [&](const byte_buffer& spoilt) {
        valid += decodes<type>(spoilt.bytes());
    });
    REQUIRE(valid > 0);
    REQUIRE(valid < changes);
}

TEST_CASE("codec: a changed message of every type", "[codec]") {
    byte_buffer bytes;
    encoder(bytes).put(std::tuple(everything(), std::filesystem::path("/a/b")));
    int valid = 0;
    spoil_often(bytes, changes / 4, [&](const byte_buffer& spoilt) {
        valid += decodes<std::tuple<everything, std::filesystem::path>>(spoilt.bytes());
    });
    REQUIRE(valid > 0);
    REQUIRE(valid < changes / 4);
}

TEST_CASE("codec: a changed message takes no more memory than it is worth", "[codec]") {
    byte_buffer bytes;
    encoder(bytes).put(make_metered(2));
    meter::most = 0;
    REQUIRE(meter::now == 0);
    REQUIRE(decodes<metered>(bytes.bytes()));
    std::size_t const intact = meter::most;
    spoil_often(bytes, changes, [](const byte_buffer& spoilt) {
        static_cast<void>(decodes<metered>(spoilt.bytes()));
    });
    REQUIRE(meter::now == 0);
    INFO("message " << bytes.size() << ", intact " << intact << ", most " << meter::most);
    REQUIRE(meter::most < 64 * bytes.size());
}

TEST_CASE("codec: a changed request fails as a job does", "[codec]") {
    // A request for a lambda: with another place of a function, another function would be called.
    auto const request = request_of(
        [](const std::vector<std::string>& words, int n) { return words.size() + n; },
        std::vector<std::string>{"a", "b"}, 3
    );
    int failed = 0;
    spoil_often(request, changes / 4, [&](const byte_buffer& spoilt) {
        try {
            static_cast<void>(result_of<std::size_t>(reply_to(spoilt.bytes())));
        } catch (const executor_error&) {
            ++failed;
        }
    });
    REQUIRE(failed > 0);
}

TEST_CASE("codec: a changed reply is an exception or a value", "[codec]") {
    auto const reply = reply_to(request_of([] {
                                    try {
                                        throw std::system_error(2, std::generic_category(), "open");
                                    } catch (...) {
                                        std::throw_with_nested(std::out_of_range("far"));
                                    }
                                }).bytes());
    spoil_often(reply, changes / 4, [&](const byte_buffer& spoilt) {
        decoder d(spoilt.bytes());
        auto const outcome = detail::decode_reply<void>(d);
        if (outcome.error == nullptr && !outcome.value) FAIL("neither value nor exception");
    });
}
