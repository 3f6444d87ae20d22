#include <green/sync/barrier.hpp>

#include "support/model.hpp"
#include "support/waits.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

struct arrive_subject {
    explicit arrive_subject(int) : b(std::make_unique<barrier>(1)) {}
    static constexpr bool can_be_ready = true;
    void close() { b = std::make_unique<barrier>(100); }
    void open() {
        do {
            if (b->parties() > 1) b->arrive_and_drop();
        } while (b->waiting() > 0);
    }
    task<> pass() { co_await b->arrive_and_wait(); }
    bool intact() const { return b->waiting() == 0; }

    std::unique_ptr<barrier> b;
};

GREEN_TEST("barrier.arrive_and_wait: the five tests", "[barrier]") {
    co_await five_tests<arrive_subject>();
}

TEST_CASE("barrier.arrive_and_wait: destroyed by the end of run", "[barrier]") {
    destroyed_by_the_end_of_run<arrive_subject>();
}

GREEN_TEST("barrier: nobody passes before all have come, again and again", "[barrier]") {
    barrier b(3);
    recorder log;
    auto const party = [&](std::string name, std::chrono::nanoseconds pace) -> task<> {
        for (int i = 0; i < 2; ++i) {
            co_await sleep_for(pace);
            bool const last = co_await b.arrive_and_wait();
            log.stamp(name + (last ? "!" : ""));
        }
    };
    auto const a = spawn(party, "a", 3ms);
    auto const c = spawn(party, "c", 1ms);
    auto const d = spawn(party, "d", 2ms);
    co_await a;
    co_await c;
    co_await d;
    REQUIRE(log.text() == "a!@3 c@3 d@3 a!@6 c@6 d@6");
    REQUIRE(b.waiting() == 0);
    REQUIRE(b.parties() == 3);
}

GREEN_TEST("barrier: one who comes round again does not pass with the others", "[barrier]") {
    barrier b(2);
    recorder log;
    auto const waits = [&](std::string name, int times) -> task<> {
        for (int i = 0; i < times; ++i) {
            co_await b.arrive_and_wait();
            log.note(name);
        }
    };
    auto const slow = spawn(waits, "slow", 1);
    auto const fast = spawn(waits, "fast", 2);
    co_await settle();
    REQUIRE(log.text() == "fast slow");
    REQUIRE(b.waiting() == 1);
    REQUIRE_FALSE(fast.done());
    bool const last = co_await b.arrive_and_wait();
    REQUIRE(last);
    co_await fast;
    co_await slow;
}

GREEN_TEST("barrier: one for a single party never suspends", "[barrier]") {
    barrier b(1);
    for (int i = 0; i < 3; ++i) {
        bool const last = co_await b.arrive_and_wait();
        REQUIRE(last);
    }
}

GREEN_TEST("barrier: errors", "[barrier]") {
    REQUIRE(error_of<std::invalid_argument>([] {
                barrier const b(0);
            }) == "green: barrier: for no parties");
    barrier b(1);
    REQUIRE(error_of([&] {
                b.arrive_and_drop();
            }) == "green: barrier.arrive_and_drop: no party would be left");
    b.set_name("round");
    REQUIRE(error_of([&] {
                b.arrive_and_drop();
            }) == "green: barrier.arrive_and_drop of 'round': no party would be left");
    REQUIRE(b.parties() == 1);
    co_return;
}

GREEN_TEST("barrier: who drops out may be the one the others waited for", "[barrier]") {
    barrier b(3);
    recorder log;
    auto const waits = [&](std::string name) -> task<> {
        bool const last = co_await b.arrive_and_wait();
        log.note(name + (last ? "!" : ""));
    };
    auto const a = spawn(waits, "a");
    auto const c = spawn(waits, "c");
    co_await settle();
    REQUIRE(b.waiting() == 2);
    b.arrive_and_drop();
    REQUIRE(b.waiting() == 0);
    REQUIRE(b.parties() == 2);
    co_await a;
    co_await c;
    REQUIRE(log.text() == "a c");
    auto const d = spawn(waits, "d");
    co_await settle();
    REQUIRE_FALSE(d.done());
    bool const last = co_await b.arrive_and_wait();
    REQUIRE(last);
    co_await d;
}

GREEN_TEST("barrier: who is cancelled has not arrived", "[barrier]") {
    barrier b(2);
    auto const waits = [&]() -> task<> { co_await b.arrive_and_wait(); };
    auto a = spawn(waits);
    co_await settle();
    REQUIRE(b.waiting() == 1);
    a.cancel();
    REQUIRE(b.waiting() == 0);
    co_await a.join();
    bool const in_time = co_await move_on_after(1s, [](barrier* bar) -> task<> {
        co_await bar->arrive_and_wait();
    }(&b));
    REQUIRE_FALSE(in_time);
    REQUIRE(b.waiting() == 0);
    auto const c = spawn(waits);
    co_await settle();
    bool const last = co_await b.arrive_and_wait();
    REQUIRE(last);
    co_await c;
}

GREEN_TEST("barrier: an awaitable may be awaited again", "[barrier]") {
    barrier b(2);
    auto const comes = [&]() -> task<> { co_await b.arrive_and_wait(); };
    auto const first = spawn(comes);
    co_await settle();
    auto arrive = b.arrive_and_wait();
    bool last = co_await arrive;
    REQUIRE(last);
    auto const second = spawn(comes);
    last = co_await arrive;
    REQUIRE_FALSE(last);
    co_await first;
    co_await second;
}

TEST_CASE("barrier: what a deadlock's report says", "[barrier]") {
    barrier b(3);
    b.set_name("round");
    auto const body = [&]() -> task<> { co_await b.arrive_and_wait(); };
    std::string const text = deadlock_of(body);
    INFO(text);
    REQUIRE(contains(text, "'main' waits for barrier.arrive_and_wait of 'round' (1 of 3 here)"));
    REQUIRE(b.waiting() == 0);
}

// --- the model

class barrier_model : public wait_model {
public:
    bool ready(modelled_wait&) override {
        if (static_cast<int>(waiting().size()) + 1 < parties_) return false;
        open();
        return true;
    }
    bool drop() {
        if (parties_ == 1) return false;
        --parties_;
        if (static_cast<int>(waiting().size()) == parties_) open();
        return true;
    }
    int parties() const { return parties_; }
    void renew(int n) { parties_ = n; }

private:
    void open() {
        while (!waiting().empty()) grant(*waiting().front());
    }
    int parties_ = 4;
};

class barrier_driver : public model_driver {
public:
    explicit barrier_driver(std::uint64_t seed) : model_driver(seed, model_) {}

    task<> perform(modelled_wait&) override { co_await b_->arrive_and_wait(); }
    void act() override {
        switch (random().below(12)) {
        case 0: finish(); break;
        case 1:
        case 2: cancel_one(); break;
        default: begin(); break;
        }
    }
    void compare() override {
        expect(b_->waiting() == model_.waiting().size(), "waiting");
        expect(b_->parties() == static_cast<std::size_t>(model_.parties()), "parties");
        if (!model_.waiting().empty() || !random().one_in(4)) return;
        int const n = 1 + random().below(6);
        b_ = std::make_unique<barrier>(static_cast<std::size_t>(n));
        model_.renew(n);
    }
    void finish() override {
        bool const dropped = error_of([&] { b_->arrive_and_drop(); }) == "none";
        expect(dropped == model_.drop(), "arrive_and_drop");
    }

private:
    barrier_model model_;
    std::unique_ptr<barrier> b_ = std::make_unique<barrier>(4);
};

TEST_CASE("barrier: random operations agree with a model", "[barrier][model]") {
    run_model<barrier_driver>(130'000);
}

}  // namespace
