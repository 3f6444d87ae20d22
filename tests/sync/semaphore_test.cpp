#include <green/sync/semaphore.hpp>

#include "support/model.hpp"
#include "support/waits.hpp"

#include <green/sync/event.hpp>
#include <green/sync/select.hpp>

#include <cstddef>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

struct acquire_subject {
    explicit acquire_subject(int) {}
    static constexpr bool can_be_ready = true;
    void close() { held = s.try_acquire(2); }
    void open() { held.release(); }
    task<> pass() { auto const p = co_await s.acquire(); }
    bool intact() const { return s.available() == 2; }

    semaphore s{2, 2};
    semaphore::permit held;
};

GREEN_TEST("semaphore.acquire: the five tests", "[semaphore]") {
    co_await five_tests<acquire_subject>();
}

TEST_CASE("semaphore.acquire: destroyed by the end of run", "[semaphore]") {
    destroyed_by_the_end_of_run<acquire_subject>();
}

GREEN_TEST("semaphore: so many at once", "[semaphore]") {
    semaphore s(2);
    recorder log;
    auto const worker = [&](std::string name) -> task<> {
        auto const p = co_await s.acquire();
        log.stamp(name);
        co_await sleep_for(1ms);
    };
    std::vector<join_handle<void>> all;
    for (const char* name : {"a", "b", "c", "d", "e"}) all.push_back(spawn(worker, name));
    for (const auto& h : all) co_await h;
    REQUIRE(log.text() == "a@0 b@0 c@1 d@1 e@2");
    REQUIRE(s.available() == 2);
}

GREEN_TEST(
    "semaphore: permits can be moved, released early, forgotten, and be empty", "[semaphore]"
) {
    semaphore s(5);
    semaphore::permit none;
    REQUIRE(none.count() == 0);
    REQUIRE_FALSE(none);
    none.release();
    none.forget();
    auto a = co_await s.acquire(3);
    REQUIRE(a.count() == 3);
    REQUIRE(s.available() == 2);
    auto b = std::move(a);
    REQUIRE(a.count() == 0);  // NOLINT(bugprone-use-after-move): what is left of it
    REQUIRE(b.count() == 3);
    auto& same = b;
    b = std::move(same);
    REQUIRE(b.count() == 3);
    b = co_await s.acquire(2);  // the three go back
    REQUIRE(b.count() == 2);
    REQUIRE(s.available() == 3);
    b.release();
    b.release();
    REQUIRE(s.available() == 5);
    a = s.try_acquire(4);
    a.forget();
    REQUIRE_FALSE(a);
    REQUIRE(s.available() == 1);
    s.release(4);
    REQUIRE(s.available() == 5);
    auto const zero = co_await s.acquire(0);
    REQUIRE(zero.count() == 0);
    REQUIRE(s.available() == 5);
}

GREEN_TEST("semaphore: release adds permits and wakes in order", "[semaphore]") {
    semaphore s(0);
    recorder log;
    auto const worker = [&](std::string name, std::size_t n) -> task<> {
        auto p = co_await s.acquire(n);
        p.forget();
        log.note(name);
    };
    auto const a = spawn(worker, "a", 1U);
    auto const b = spawn(worker, "b", 3U);
    auto const c = spawn(worker, "c", 1U);
    co_await settle();
    s.release(3);
    REQUIRE(s.available() == 2);  // b does not have enough
    co_await settle();
    REQUIRE(log.text() == "a");
    s.release(2);
    co_await settle();
    REQUIRE(log.text() == "a b c");
    REQUIRE(s.available() == 0);
}

// conformance 206
GREEN_TEST("semaphore: try_acquire fails while others wait", "[semaphore]") {
    semaphore s(1);
    auto const wants_two = [&]() -> task<> { auto const p = co_await s.acquire(2); };
    auto h = spawn(wants_two);
    co_await settle();
    REQUIRE(s.available() == 1);
    REQUIRE_FALSE(s.try_acquire());
    h.cancel();
    co_await h.join();
    auto const p = s.try_acquire();
    REQUIRE(p.count() == 1);
    REQUIRE_FALSE(s.try_acquire());
}

// conformance 208
GREEN_TEST("semaphore: a big request is not starved by small ones", "[semaphore]") {
    semaphore s(2);
    recorder log;
    bool stop = false;
    auto const small = [&](std::string name) -> task<> {
        while (!stop) {
            auto const p = co_await s.acquire();
            log.note(name);
            co_await sleep_for(2ms);
        }
    };
    auto const a = spawn(small, "a");
    co_await sleep_for(1ms);
    auto const b = spawn(small, "b");
    co_await yield();
    auto const big = [&]() -> task<> {
        auto const p = co_await s.acquire(2);
        log.stamp("big");
        stop = true;
    };
    auto const c = spawn(big);
    co_await c;
    REQUIRE(log.text().starts_with("a b big@3"));  // whatever came after
    co_await a;
    co_await b;
}

// conformance 208
GREEN_TEST("semaphore: a big request that gives up lets those behind it in", "[semaphore]") {
    semaphore s(3);
    auto held = co_await s.acquire(1);
    recorder log;
    auto const small = [&](std::string name) -> task<> {
        auto const p = co_await s.acquire();
        log.stamp(name);
        co_await sleep_for(1ms);
    };
    auto const big = [&]() -> task<> {
        bool const in_time = co_await move_on_after(2ms, [](semaphore* sem) -> task<> {
            auto const p = co_await sem->acquire(3);
        }(&s));
        log.stamp(in_time ? "in time" : "late");
    };
    auto const h = spawn(big);
    co_await settle();
    auto const a = spawn(small, "a");
    auto const b = spawn(small, "b");
    auto const c = spawn(small, "c");
    co_await sleep_for(1ms);
    REQUIRE(log.text().empty());
    co_await a;
    co_await b;
    co_await c;
    REQUIRE(log.text() == "a@2 b@2 late@2 c@3");
    held.release();
    REQUIRE(s.available() == 3);
    co_await h;
}

// conformance 201, 202
GREEN_TEST("semaphore: a permit that a cancelled task was granted passes on", "[semaphore]") {
    semaphore s(1);
    recorder log;
    auto held = co_await s.acquire();
    auto const worker = [&](std::string name) -> task<> {
        auto const p = co_await s.acquire();
        log.note(name);
        co_await yield();
        log.note(name + "+");
    };
    auto a = spawn(worker, "a");
    auto b = spawn(worker, "b");
    auto const c = spawn(worker, "c");
    co_await settle();
    held.release();
    a.cancel();  // has it
    b.cancel();  // waits
    co_await c;
    REQUIRE(log.text() == "a c c+");
    REQUIRE(a.cancelled());
    REQUIRE(b.cancelled());
    a.cancel();
    REQUIRE(s.available() == 1);
}

GREEN_TEST("semaphore: its maximum counts the permits that are held", "[semaphore]") {
    std::string const error = error_of<std::invalid_argument>([] { semaphore const s(3, 2); });
    REQUIRE(error == "green: semaphore: more permits than its maximum");
    semaphore s(1, 2);
    s.set_name("slots");
    s.release();
    REQUIRE(s.available() == 2);
    std::string const over = "green: semaphore.release of 'slots': more than its maximum of 2";
    REQUIRE(error_of([&] { s.release(); }) == over);
    REQUIRE(error_of([&] { s.release(semaphore::unlimited); }) == over);
    REQUIRE(s.available() == 2);
    {
        // A permit gives back what it holds: releasing it by hand too would make more than there are.
        auto const p = co_await s.acquire();
        REQUIRE(error_of([&] { s.release(); }) == over);
        REQUIRE(s.available() == 1);
    }
    REQUIRE(s.available() == 2);
    REQUIRE(error_of([&] { s.release(); }) == over);
    auto p = co_await s.acquire();
    p.forget();
    s.release();
    REQUIRE(s.available() == 2);
    REQUIRE(error_of([&] { s.release(); }) == over);

    semaphore endless(1);
    auto q = co_await endless.acquire();
    REQUIRE(error_of([&] { endless.release(semaphore::unlimited); }) != "none");
    endless.release(semaphore::unlimited - 1);
    q.release();
    REQUIRE(endless.available() == semaphore::unlimited);
}

// A case that leaves the queue may let another of the same select in: it must be out by then.
GREEN_TEST("semaphore: select over requests to the same one", "[semaphore][select]") {
    recorder log;
    for (bool const cancels : {true, false}) {
        semaphore s(1);
        event e;
        auto const selects = [&]() -> task<> {
            auto const got = co_await select(s.acquire(5), e.wait(), s.acquire(1), s.acquire(4));
            log.note(std::to_string(got.index()));
        };
        auto held = co_await s.acquire(1);
        auto h = spawn(selects);
        co_await settle();
        held.release();  // the head wants more
        if (cancels) {
            h.cancel();
        } else {
            e.set();
        }
        co_await h.join();
        REQUIRE(h.cancelled() == cancels);
        REQUIRE(s.available() == 1);
    }
    REQUIRE(log.text() == "1");
}

GREEN_TEST("semaphore: 100000 waits that are given up leave nothing behind", "[semaphore]") {
    semaphore s(0);
    auto const gives_up = [&]() -> task<> {
        auto const p = co_await with_timeout(1ms, s.acquire());
    };
    int const rounds = static_cast<int>(model_steps(100'000) / 100);
    for (int round = 0; round < rounds; ++round) {
        std::vector<join_handle<void>> handles;
        for (int i = 0; i < 100; ++i) handles.push_back(spawn(gives_up));
        for (const auto& h : handles) {
            co_await h.join();
            REQUIRE(h.exception() != nullptr);
        }
    }
    s.release();
    REQUIRE(s.try_acquire());
}

TEST_CASE("semaphore: what a deadlock's report says", "[semaphore]") {
    semaphore s(1);
    s.set_name("connections");
    auto const body = [&]() -> task<> { auto const p = co_await s.acquire(2); };
    std::string const text = deadlock_of(body);
    INFO(text);
    REQUIRE(contains(
        text, "'main' waits for semaphore.acquire of 'connections' (2 wanted, 1 available)"
    ));
    REQUIRE(s.available() == 1);
}

// --- the model

class semaphore_model : public wait_model {
public:
    bool ready(modelled_wait& w) override { return take(w.amount); }
    bool passed(modelled_wait& w) override {
        if (!w.keeps) give_back(w.amount);
        return true;
    }
    void withdrawn(modelled_wait&) override { serve(); }

    bool take(int n) {
        if (!waiting().empty() || available_ < n) return false;
        available_ -= n;
        return true;
    }
    void give_back(int n) {
        available_ += n;
        serve();
    }
    int available() const { return available_; }

private:
    void serve() {
        while (!waiting().empty() && waiting().front()->amount <= available_) {
            available_ -= waiting().front()->amount;
            grant(*waiting().front());
        }
    }
    int available_ = 4;
};

class semaphore_driver : public model_driver {
public:
    explicit semaphore_driver(std::uint64_t seed) : model_driver(seed, model_) {}

    task<> perform(modelled_wait& w) override {
        auto p = co_await s_.acquire(static_cast<std::size_t>(w.amount));
        expect(p.count() == static_cast<std::size_t>(w.amount), "count");
        if (w.keeps) kept_.push_back(std::move(p));
    }
    void act() override {
        switch (random().below(9)) {
        case 0:
        case 1:
        case 2: give_one_back(); break;
        case 3: cancel_one(); break;
        case 4: {
            int const n = random().below(4);
            auto p = s_.try_acquire(static_cast<std::size_t>(n));
            expect(static_cast<bool>(p) == model_.take(n), "try_acquire");
            if (p) kept_.push_back(std::move(p));
            break;
        }
        case 5: {
            bool const over = error_of([&] { s_.release(); }) != "none";
            expect(over == (total_ == 6), "maximum");
            if (!over) {
                ++total_;
                model_.give_back(1);
            }
            break;
        }
        case 6:
            if (!kept_.empty()) {
                total_ -= static_cast<int>(kept_.back().count());
                kept_.back().forget();
                kept_.pop_back();
            }
            break;
        default: begin(0, random().below(7)); break;
        }
    }
    void compare() override {
        expect(s_.available() == static_cast<std::size_t>(model_.available()), "available");
    }
    void finish() override {
        while (total_ < 6) {
            s_.release();
            ++total_;
            model_.give_back(1);
        }
        give_one_back();
    }

private:
    void give_one_back() {
        if (kept_.empty()) return;
        auto const i = random().below(static_cast<int>(kept_.size()));
        auto const n = kept_[static_cast<std::size_t>(i)].count();
        kept_.erase(kept_.begin() + i);
        model_.give_back(static_cast<int>(n));
    }

    semaphore_model model_;
    semaphore s_{4, 6};
    int total_ = 4;
    std::vector<semaphore::permit> kept_;
};

TEST_CASE("semaphore: random operations agree with a model", "[semaphore][model]") {
    run_model<semaphore_driver>(130'000);
}

}  // namespace
