#include <green/executor/promise.hpp>

#include "support/standard_error.hpp"
#include "support/waits.hpp"

#include <green/tasks/spawn.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

// Promises, what futures say of themselves, and what becomes of failures that nobody asks for.

using namespace green;
using green_test::stderr_of;

namespace {

std::exception_ptr far() { return std::make_exception_ptr(std::out_of_range("far")); }

/// Converts to false, and has no text.
struct nothing_at_all {
    explicit operator bool() const { return false; }
};

struct throws_when_moved {
    throws_when_moved() = default;
    throws_when_moved(throws_when_moved&&) { throw std::domain_error("cannot be moved"); }
};

}  // namespace

// conformance 22
TEST_CASE("future: describes itself", "[promise]") {
    promise<int> p;
    future<int> const f = p.get_future();
    REQUIRE(f.describe() == "pending");
    p.set_running();
    REQUIRE(f.describe() == "running");
    p.set_value(1);
    REQUIRE(f.describe() == "finished returned int");
    REQUIRE(f.successful());

    promise<std::string> text;
    text.set_value("x");
    REQUIRE(text.get_future().describe() == "finished returned std::string");
    promise<void> failed;
    failed.set_exception(far());
    REQUIRE(failed.get_future().describe() == "finished raised std::out_of_range");
    REQUIRE_FALSE(failed.get_future().successful());
    REQUIRE(failed.get_future().exception());
    promise<void> dropped;
    dropped.get_future().cancel();
    REQUIRE(dropped.get_future().describe() == "cancelled");
    REQUIRE(dropped.get_future().canceled());
    REQUIRE_FALSE(dropped.get_future().successful());
}

TEST_CASE("promise: moved from, assigned, and told twice", "[promise]") {
    promise<int> p;
    future<int> first = p.get_future();
    promise<int> other = std::move(p);
    REQUIRE_THROWS_AS(p.get_future(), std::logic_error);  // NOLINT(bugprone-use-after-move)
    REQUIRE_THROWS_AS(p.set_value(1), std::logic_error);
    REQUIRE_THROWS_AS(p.set_running(), std::logic_error);
    promise<int>& self = other;
    other = std::move(self);
    other.set_running();
    REQUIRE_THROWS_AS(other.set_running(), std::logic_error);
    other = promise<int>();
    REQUIRE_THROWS_AS(first.result(), closed_error);
    first = other.get_future();
    first.cancel();
    REQUIRE(green_test::error_of([&] {
                other.set_value(1);
            }) == "green: promise: the future was cancelled");
}

// conformance 20
TEST_CASE("promise: exceptions that look like none", "[promise]") {
    promise<int> p;
    REQUIRE_THROWS_AS(p.set_exception(nullptr), std::invalid_argument);
    REQUIRE_FALSE(p.get_future().done());
    p.set_exception(std::make_exception_ptr(nothing_at_all()));
    REQUIRE_THROWS_AS(p.get_future().result(), nothing_at_all);
    promise<int> zero;
    zero.set_exception(std::make_exception_ptr(0));
    REQUIRE_THROWS_AS(zero.get_future().result(), int);
}

TEST_CASE("promise: a value that cannot be moved in is a failure", "[promise]") {
    promise<throws_when_moved> p;
    p.set_value(throws_when_moved());
    REQUIRE_THROWS_AS(std::rethrow_exception(p.get_future().exception()), std::domain_error);
}

TEST_CASE("promise: of many threads one decides", "[promise]") {
    for (int round = 0; round < 100; ++round) {
        promise<int> p;
        future<int> f = p.get_future();
        std::atomic<int> refused{0};
        std::vector<std::thread> threads;
        for (int t = 0; t < 3; ++t) {
            threads.emplace_back([&, t] {
                try {
                    p.set_value(t);
                } catch (const std::logic_error&) {
                    ++refused;
                }
            });
        }
        bool const cancelled = f.cancel();
        for (auto& t : threads) t.join();
        REQUIRE(refused == (cancelled ? 3 : 2));
        REQUIRE(f.cancelled() == cancelled);
    }
}

// conformance 21
TEST_CASE("promise: it begins and is decided at once", "[promise]") {
    for (int i = 0; i < 2000; ++i) {
        promise<int> p;
        std::atomic<bool> go{false};
        std::thread beginner([&] {
            while (!go) {}
            try {
                p.set_running();
            } catch (const std::logic_error&) {  // it was decided before
            }
        });
        go = true;
        p.set_value(i);
        beginner.join();
        REQUIRE(p.get_future().result() == i);
    }
}

TEST_CASE("promise: who gets the outcome destroys it", "[promise]") {
    auto const decide = GENERATE(0, 1, 2);
    auto p = std::make_unique<promise<int>>();
    bool told = false;
    p->get_future().add_done_callback([&](const future<int>& f) {
        if (!f.cancelled()) static_cast<void>(f.exception());
        p.reset();
    });
    p->get_future().add_done_callback([&](const future<int>&) { told = true; });
    if (decide == 0) {
        p->set_value(1);
    } else if (decide == 1) {
        p->set_exception(std::make_exception_ptr(std::runtime_error("none")));
    } else {
        p->get_future().cancel();
    }
    REQUIRE_FALSE(p);
    REQUIRE(told);
}

TEST_CASE("future: what readers see fits together", "[promise]") {
    for (int round = 0; round < 200; ++round) {
        promise<std::string> p;
        std::atomic<bool> fits{true};
        std::vector<std::thread> readers;
        for (int t = 0; t < 4; ++t) {
            readers.emplace_back([f = p.get_future(), &fits] {
                while (!f.done()) {}
                if (f.running() || f.cancelled() || !f.successful()) fits = false;
                if (f.result() != "a text that is longer than a few bytes") fits = false;
            });
        }
        p.set_running();
        p.set_value("a text that is longer than a few bytes");
        for (auto& t : readers) t.join();
        REQUIRE(fits);
    }
}

// conformance 16
TEST_CASE("future: a thousand callbacks", "[promise]") {
    promise<int> p;
    std::vector<int> order;
    for (int i = 0; i < 1000; ++i) {
        p.get_future().add_done_callback([&order, i](const future<int>&) { order.push_back(i); });
    }
    p.set_value(1);
    REQUIRE(order.size() == 1000);
    for (int i = 0; i < 1000; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("future: a callback adds a callback, and drops the last handle", "[promise]") {
    int calls = 0;
    promise<int> p;
    p.get_future().add_done_callback([&](const future<int>& f) {
        ++calls;
        f.add_done_callback([&](const future<int>&) { ++calls; });
        p = promise<int>();
    });
    p.set_value(1);
    REQUIRE(calls == 2);
}

// conformance 26
TEST_CASE("future: a failure that nobody asked for is reported, once", "[promise]") {
    REQUIRE(stderr_of([] {
                promise<int> p;
                future<int> const f = p.get_future();
                future<int> const copy = f;
                p.set_exception(far());
            }) == "green: a future failed and nobody asked for its result: far\n");
    REQUIRE(stderr_of([] {
                promise<int> asked;
                asked.set_exception(far());
                static_cast<void>(asked.get_future().exception());
                promise<int> cancelled;
                cancelled.get_future().cancel();
                promise<int> broken;
            }) == "");
}

TEST_CASE("future: results that can only be moved", "[promise]") {
    promise<std::unique_ptr<int>> p;
    p.set_value(std::make_unique<int>(5));
    REQUIRE(*p.get_future().result() == 5);
}

GREEN_TEST("future: an rvalue moves the result out if it is the only one", "[promise]") {
    promise<std::vector<int>> shared;
    shared.set_value(std::vector<int>(3));
    future<std::vector<int>> f = shared.get_future();
    future<std::vector<int>> const copy = f;
    auto value = co_await std::move(f);
    REQUIRE(value.size() == 3);
    REQUIRE(copy.result().size() == 3);
    promise<std::unique_ptr<int>> p;
    auto const unique = spawn([g = p.get_future()]() mutable -> task<int> {
        std::unique_ptr<int> const v = co_await std::move(g);
        co_return *v;
    });
    co_await yield();
    p.set_value(std::make_unique<int>(6));
    int const n = co_await unique;
    REQUIRE(n == 6);
}
