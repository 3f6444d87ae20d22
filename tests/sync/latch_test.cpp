#include <green/sync/latch.hpp>

#include "support/model.hpp"
#include "support/waits.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

struct wait_subject {
    explicit wait_subject(int) : l(std::make_unique<latch>(0)) {}
    static constexpr bool can_be_ready = true;
    void close() { l = std::make_unique<latch>(1); }
    void open() {
        if (!l->try_wait()) l->count_down();
    }
    task<> pass() { co_await l->wait(); }
    bool intact() const { return l->try_wait(); }

    std::unique_ptr<latch> l;
};

/// Whoever is cancelled before it starts has not arrived, so opening counts down what is left.
struct arrive_subject {
    explicit arrive_subject(int) : l(std::make_unique<latch>(1)) {}
    static constexpr bool can_be_ready = true;
    void close() { l = std::make_unique<latch>(100); }
    void open() {
        while (!l->try_wait()) l->count_down();
    }
    task<> pass() { co_await l->arrive_and_wait(); }
    bool intact() {
        open();
        return l->try_wait();
    }

    std::unique_ptr<latch> l;
};

GREEN_TEST("latch.wait: the five tests", "[latch]") { co_await five_tests<wait_subject>(); }

GREEN_TEST("latch.arrive_and_wait: the five tests", "[latch]") {
    co_await five_tests<arrive_subject>();
}

TEST_CASE("latch: destroyed by the end of run", "[latch]") {
    destroyed_by_the_end_of_run<wait_subject>();
    destroyed_by_the_end_of_run<arrive_subject>();
}

GREEN_TEST("latch: opens at zero and stays open", "[latch]") {
    latch l(3);
    recorder log;
    auto const waits = [&](std::string name) -> task<> {
        co_await l.wait();
        log.stamp(name);
    };
    auto const a = spawn(waits, "a");
    auto const b = spawn(waits, "b");
    auto const arrives = [&]() -> task<> {
        co_await sleep_for(1ms);
        co_await l.arrive_and_wait(2);
        log.stamp("c");
    };
    auto const c = spawn(arrives);
    co_await sleep_for(2ms);
    REQUIRE_FALSE(l.try_wait());
    l.count_down(0);
    REQUIRE_FALSE(l.try_wait());
    l.count_down();
    REQUIRE(l.try_wait());
    co_await l.wait();  // at once, before the others have run
    log.stamp("main");
    co_await a;
    co_await b;
    co_await c;
    REQUIRE(log.text() == "main@2 a@2 b@2 c@2");
    l.count_down(0);
    co_await l.arrive_and_wait(0);
}

GREEN_TEST("latch: below zero is an error, and nothing changes", "[latch]") {
    latch l(2);
    REQUIRE(error_of([&] { l.count_down(3); }) == "green: latch.count_down: below zero");
    REQUIRE_FALSE(l.try_wait());
    l.set_name("started");
    std::string const error = co_await error_of_wait(l.arrive_and_wait(3));
    REQUIRE(error == "green: latch.count_down of 'started': below zero");
    REQUIRE(error_of([&] { l.count_down(static_cast<std::size_t>(-1)); }) != "none");
    l.count_down(2);
    REQUIRE(l.try_wait());
    REQUIRE(error_of([&] { l.count_down(); }) != "none");
    co_await l.wait();
}

GREEN_TEST("latch: what has been counted stays counted after a cancel", "[latch]") {
    latch l(2);
    auto const arrives = [&]() -> task<> { co_await l.arrive_and_wait(); };
    auto h = spawn(arrives);
    co_await settle();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    h = spawn(arrives);
    h.cancel();  // before it has arrived
    co_await h.join();
    REQUIRE_FALSE(l.try_wait());
    co_await l.arrive_and_wait();  // the second one
    REQUIRE(l.try_wait());
}

TEST_CASE("latch: what a deadlock's report says", "[latch]") {
    latch l(3);
    l.set_name("workers");
    auto const body = [&]() -> task<> { co_await l.arrive_and_wait(); };
    std::string const text = deadlock_of(body);
    INFO(text);
    REQUIRE(contains(text, "'main' waits for latch.wait of 'workers' (2 to come)"));
}

// --- the model: kind 0 waits, kind 1 arrives; a latch after the other

class latch_model : public wait_model {
public:
    bool ready(modelled_wait& w) override {
        if (w.kind == 1 && count_ > 0) count_down(1);
        return count_ == 0;
    }
    void count_down(int n) {
        count_ -= n;
        if (count_ != 0) return;
        while (!waiting().empty()) grant(*waiting().front());
    }
    int count() const { return count_; }
    void renew(int n) { count_ = n; }

private:
    int count_ = 0;
};

class latch_driver : public model_driver {
public:
    explicit latch_driver(std::uint64_t seed) : model_driver(seed, model_) {}

    task<> perform(modelled_wait& w) override {
        if (w.kind == 1 && !l_->try_wait()) {
            co_await l_->arrive_and_wait();
        } else {
            co_await l_->wait();
        }
    }
    void act() override {
        switch (random().below(6)) {
        case 0: {
            int const n = random().below(3);
            bool const below = error_of([&] { l_->count_down(static_cast<std::size_t>(n)); }) !=
                "none";
            expect(below == (n > model_.count()), "below zero");
            if (!below && n > 0) model_.count_down(n);
            break;
        }
        case 1: cancel_one(); break;
        default: begin(random().below(2)); break;
        }
    }
    void compare() override {
        expect(l_->try_wait() == (model_.count() == 0), "try_wait");
        if (model_.count() != 0 || !model_.waiting().empty()) return;
        int const n = random().below(6);
        l_ = std::make_unique<latch>(static_cast<std::size_t>(n));
        model_.renew(n);
    }
    void finish() override {
        int const n = model_.count();
        if (n == 0) return;
        l_->count_down(static_cast<std::size_t>(n));
        model_.count_down(n);
    }

private:
    latch_model model_;
    std::unique_ptr<latch> l_ = std::make_unique<latch>(0);
};

TEST_CASE("latch: random operations agree with a model", "[latch][model]") {
    run_model<latch_driver>(130'000);
}

}  // namespace
