#include <green/sync/event.hpp>

#include "support/model.hpp"
#include "support/waits.hpp"

#include <green/tasks/when_any.hpp>

#include <cstddef>
#include <string>
#include <thread>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

struct wait_subject {
    explicit wait_subject(int) { e.set(); }
    static constexpr bool can_be_ready = true;
    void close() { e.clear(); }
    void open() { e.set(); }
    task<> pass() { co_await e.wait(); }
    bool intact() const { return e.is_set(); }

    event e;
};

GREEN_TEST("event.wait: the five tests", "[event]") { co_await five_tests<wait_subject>(); }

TEST_CASE("event.wait: destroyed by the end of run", "[event]") {
    destroyed_by_the_end_of_run<wait_subject>();
}

GREEN_TEST("event: set and clear", "[event]") {
    event e;
    REQUIRE_FALSE(e.is_set());
    e.set();
    e.set();
    REQUIRE(e.is_set());
    co_await e.wait();
    co_await e.wait();  // it stays set
    e.clear();
    e.clear();
    REQUIRE_FALSE(e.is_set());
    bool const in_time = co_await move_on_after(1s, e.wait());
    REQUIRE_FALSE(in_time);
    REQUIRE(elapsed() == 1s);
}

// conformance 194
GREEN_TEST("event: set and clear in one turn wakes all who wait, in order", "[event]") {
    for (int const n : {1, 100, 1000}) {
        event e;
        std::vector<int> order;
        auto const waiter = [&](int i) -> task<> {
            co_await e.wait();
            order.push_back(i);
        };
        for (int i = 0; i < n; ++i) spawn(waiter, i);
        co_await settle();
        e.set();
        e.clear();
        auto const late = spawn(waiter, n);
        co_await settle();
        REQUIRE(order.size() == static_cast<std::size_t>(n));
        for (int i = 0; i < n; ++i) REQUIRE(order[static_cast<std::size_t>(i)] == i);
        REQUIRE_FALSE(late.done());
        e.set();
        co_await late;
    }
}

// conformance 196
GREEN_TEST("event: who begins to wait while others are woken is not lost", "[event]") {
    event e;
    recorder log;
    auto const waiter = [&](std::string name) -> task<> {
        co_await e.wait();
        log.note(name + "1");
        co_await e.wait();  // before the second has run
        log.note(name + "2");
    };
    auto const a = spawn(waiter, "a");
    auto const b = spawn(waiter, "b");
    co_await settle();
    e.set();
    e.clear();
    co_await settle();
    REQUIRE(log.text() == "a1 b1");
    e.set();
    co_await settle();
    REQUIRE(log.text() == "a1 b1 a2 b2");
    REQUIRE(a.done());
    REQUIRE(b.done());
}

GREEN_TEST("event: a woken waiter cancels the next, which was woken too", "[event]") {
    event e;
    recorder log;
    join_handle<void> second;
    auto const first = [&]() -> task<> {
        co_await e.wait();
        second.cancel();
        log.note("first");
    };
    auto const other = [&]() -> task<> {
        co_await e.wait();
        log.note("second");
        co_await e.wait();  // set: but the cancel comes before
        log.note("never");
    };
    auto const h = spawn(first);
    second = spawn(other);
    co_await settle();
    e.set();
    co_await second.join();
    REQUIRE(log.text() == "first second");
    REQUIRE(second.cancelled());
    co_await h;
}

GREEN_TEST("event: the losers of when_any leave it", "[event]") {
    event a;
    event b;
    for (int i = 0; i < 3; ++i) {
        auto const set = [&]() -> task<> {
            b.set();
            co_return;
        };
        spawn(set);
        auto const r = co_await when_any(a.wait(), b.wait(), a.wait());
        REQUIRE(r.index() == 1);
        b.clear();
    }
}

GREEN_TEST("event: an awaitable may be awaited again", "[event]") {
    event e;
    auto wait = e.wait();
    for (int i = 0; i < 3; ++i) {
        auto const sets = [&]() -> task<> {
            e.set();
            e.clear();
            co_return;
        };
        spawn(sets);
        co_await wait;
    }
}

// conformance 180 for events
GREEN_TEST("event: many waits that are given up leave nothing behind", "[event]") {
    event e;
    for (int i = 0; i < 1000; ++i) {
        bool const in_time = co_await move_on_after(1us, e.wait());
        REQUIRE_FALSE(in_time);
    }
    REQUIRE(elapsed() == 1ms);
}

TEST_CASE("event: its name is in the report of a deadlock", "[event]") {
    event nameless;
    event ready;
    ready.set_name("ready");
    auto const body = [&]() -> task<> {
        auto const waits = [](event* e) -> task<> { co_await e->wait(); };
        spawn(waits, &nameless);
        co_await ready.wait();
    };
    std::string const text = deadlock_of(body);
    INFO(text);
    REQUIRE(contains(text, "waits for event.wait of 'ready'"));
    REQUIRE(contains(text, "waits for event.wait\n"));
    REQUIRE(contains(text, "event_test.cpp"));
    ready.set_name("");
    REQUIRE(ready.name().empty());
}

TEST_CASE("event: one may outlive the run, and serve the next", "[event]") {
    event e;
    auto const first = [&]() -> task<> {
        auto const waits = [](event* ev) -> task<> { co_await ev->wait(); };
        spawn(waits, &e);
        co_await yield();
        co_await yield();
    };
    run(virtual_clock(), first);
    e.set();  // outside any run
    auto const second = [&]() -> task<> { co_await e.wait(); };
    run(virtual_clock(), second);
    REQUIRE(e.is_set());
}

#ifndef NDEBUG
// conformance 296
GREEN_TEST_REAL_CLOCK("event: set on another thread is an error", "[event]") {
    event e;
    auto const waits = [&]() -> task<> { co_await e.wait(); };
    auto const h = spawn(waits);
    co_await yield();
    co_await yield();
    std::string error;
    std::thread([&] { error = error_of([&] { e.set(); }); }).join();
    REQUIRE(contains(error, "another thread"));
    co_await yield();
    REQUIRE_FALSE(h.done());
    e.set();
    co_await h;
}
#endif

// --- the model

class event_model : public wait_model {
public:
    bool ready(modelled_wait&) override { return set_; }
    void set() {
        set_ = true;
        while (!waiting().empty()) grant(*waiting().front());
    }
    void clear() { set_ = false; }
    bool is_set() const { return set_; }

private:
    bool set_ = false;
};

class event_driver : public model_driver {
public:
    explicit event_driver(std::uint64_t seed) : model_driver(seed, model_) {}

    task<> perform(modelled_wait&) override { co_await e_.wait(); }
    void act() override {
        switch (random().below(8)) {
        case 0:
            e_.set();
            model_.set();
            break;
        case 1:
        case 2:
            e_.clear();
            model_.clear();
            break;
        case 3: cancel_one(); break;
        default: begin(); break;
        }
    }
    void compare() override { expect(e_.is_set() == model_.is_set(), "is_set"); }
    void finish() override {
        e_.set();
        model_.set();
    }

private:
    event_model model_;
    event e_;
};

TEST_CASE("event: random operations agree with a model", "[event][model]") {
    run_model<event_driver>(130'000);
}

}  // namespace
