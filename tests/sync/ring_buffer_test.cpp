#include <green/sync/ring_buffer.hpp>

#include "support/green_test.hpp"

#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

using green::detail::ring_buffer;
using namespace green_test;

template <class T>
T take(ring_buffer<T>& b) {
    std::optional<T> out;
    b.take(out);
    return std::move(*out);
}

TEST_CASE("ring_buffer: first in, first out, around the end and while it grows", "[ring_buffer]") {
    for (int backlog : {1, 7, 8, 9, 100}) {
        ring_buffer<std::unique_ptr<int>> b;
        int in = 0;
        int out = 0;
        for (; in < backlog; ++in) b.push(std::make_unique<int>(in));
        for (int i = 0; i < 1000; ++i, ++in, ++out) {
            b.push(std::make_unique<int>(in));
            REQUIRE(*take(b) == out);
        }
        REQUIRE(b.size() == static_cast<std::size_t>(backlog));
        for (; out < in; ++out) REQUIRE(*take(b) == out);
        REQUIRE(b.empty());
    }
}

TEST_CASE("ring_buffer: as a std::deque, in a random walk", "[ring_buffer]") {
    std::srand(1);
    ring_buffer<std::string> b;
    std::deque<std::string> model;
    for (int i = 0; i < 20'000; ++i) {
        int const what = std::rand() % 1000;
        if (what == 0) {
            b.take_all();
            model.clear();
        } else if (what < 520) {
            std::string text = "a text that is too long for the string itself: " +
                std::to_string(i);
            model.push_back(text);
            b.push(std::move(text));
        } else if (!model.empty()) {
            REQUIRE(take(b) == model.front());
            model.pop_front();
        }
        REQUIRE(b.size() == model.size());
    }
}

/// Throws when it is moved or copied, on demand.
struct fragile {
    explicit fragile(census& c) : life(c) {}
    fragile(const fragile& o) : life(o.life) {
        if (fails) throw std::runtime_error("moved");
    }
    tracker life;
    static inline bool fails = false;
};

TEST_CASE("ring_buffer: nothing changes when a copy throws, also in growth", "[ring_buffer]") {
    census c;
    {
        ring_buffer<fragile> b;
        for (std::size_t n = 0; n < 20; ++n) {
            REQUIRE(b.size() == n);
            fragile one(c);
            fragile::fails = true;
            REQUIRE_THROWS(b.push(std::move(one)));
            std::optional<fragile> out;
            if (n > 0) REQUIRE_THROWS(b.take(out));
            REQUIRE_FALSE(out.has_value());
            fragile::fails = false;
            REQUIRE(b.size() == n);
            b.push(std::move(one));
        }
        REQUIRE(c.live() == 20);
    }
    REQUIRE(c.clean());
}

struct calls_at_end {
    std::function<void()> f;
    explicit calls_at_end(std::function<void()> g) : f(std::move(g)) {}
    calls_at_end(calls_at_end&& o) noexcept : f(std::exchange(o.f, nullptr)) {}
    ~calls_at_end() {
        if (f) f();
    }
};

// conformance 186
TEST_CASE("ring_buffer: the destructors of dropped elements may use it", "[ring_buffer]") {
    ring_buffer<calls_at_end> b;
    int ends = 0;
    auto const look = [&] {
        ++ends;
        REQUIRE(b.empty());
        b.take_all();
    };
    b.push(calls_at_end(look));
    b.push(calls_at_end([&] {
        look();
        b.push(calls_at_end([&] { ++ends; }));
    }));
    b.take_all();
    REQUIRE(ends == 2);
    REQUIRE(b.size() == 1);
    b.take_all();
    REQUIRE(ends == 3);
}

struct alignas(64) wide {
    explicit wide(int n) : value(n) {}
    int value;
};

TEST_CASE("ring_buffer: elements with an alignment of their own", "[ring_buffer]") {
    ring_buffer<wide> b;
    for (int i = 0; i < 20; ++i) b.push(wide(i));
    for (int i = 0; i < 20; ++i) {
        std::optional<wide> out;
        b.take(out);
        REQUIRE(out->value == i);
    }
}

}  // namespace
