#include <green/sync/mutex.hpp>

#include "support/model.hpp"
#include "support/waits.hpp"

#include <green/loop/loop.hpp>
#include <green/sync/event.hpp>
#include <green/sync/select.hpp>
#include <green/tasks/when_any.hpp>

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

struct lock_subject {
    explicit lock_subject(int) {}
    static constexpr bool can_be_ready = true;
    void close() { held = m.try_lock(); }
    void open() { held.unlock(); }
    task<> pass() { auto const g = co_await m.lock(); }
    bool intact() const { return !m.locked(); }

    mutex m;
    mutex::guard held;
};

GREEN_TEST("mutex.lock: the five tests", "[mutex]") { co_await five_tests<lock_subject>(); }

TEST_CASE("mutex.lock: destroyed by the end of run", "[mutex]") {
    destroyed_by_the_end_of_run<lock_subject>();
}

GREEN_TEST("mutex: one task at a time, in order", "[mutex]") {
    mutex m;
    recorder log;
    int inside = 0;
    auto const worker = [&](std::string name) -> task<> {
        for (int i = 0; i < 2; ++i) {
            auto const g = co_await m.lock();
            REQUIRE(++inside == 1);
            log.stamp(name);
            co_await sleep_for(1ms);
            --inside;
        }
    };
    auto const a = spawn(worker, "a");
    auto const b = spawn(worker, "b");
    co_await a;
    co_await b;
    REQUIRE(log.text() == "a@0 b@1 a@2 b@3");
    REQUIRE_FALSE(m.locked());
}

GREEN_TEST("mutex: a guard can be moved, released early, and be empty", "[mutex]") {
    mutex m;
    mutex other;
    mutex::guard empty;
    REQUIRE_FALSE(empty.owns_lock());
    REQUIRE_FALSE(static_cast<bool>(empty));
    empty.unlock();
    auto g = co_await m.lock();
    REQUIRE(g.owns_lock());
    mutex::guard moved(std::move(g));
    REQUIRE_FALSE(g.owns_lock());  // NOLINT(bugprone-use-after-move): what is left of it
    REQUIRE(m.locked());
    g = std::move(moved);
    REQUIRE(g);
    auto& same = g;
    g = std::move(same);  // to itself
    REQUIRE(g.owns_lock());
    REQUIRE(m.locked());
    g = co_await other.lock();  // gives the old one back
    REQUIRE_FALSE(m.locked());
    REQUIRE(other.locked());
    g.unlock();
    g.unlock();
    REQUIRE_FALSE(other.locked());
    g = mutex::guard();
    std::optional<mutex::guard> kept = co_await m.lock();
    REQUIRE(m.locked());
    kept.reset();
    REQUIRE_FALSE(m.locked());
}

// conformance 206
GREEN_TEST("mutex: try_lock never overtakes a queue", "[mutex]") {
    mutex m;
    auto g = m.try_lock();
    REQUIRE(g);
    REQUIRE_FALSE(m.try_lock());
    recorder log;
    auto const waiter = [&]() -> task<> {
        auto const own = co_await m.lock();
        log.note("waiter");
    };
    auto const h = spawn(waiter);
    co_await settle();
    g.unlock();  // the lock is the waiter's now, although it has not run
    REQUIRE(m.locked());
    REQUIRE_FALSE(m.try_lock());
    auto const again = co_await m.lock();
    log.note("main");
    REQUIRE(log.text() == "waiter main");
    co_await h;
}

// conformance 204. A guard is what releases a lock, so nobody can who does not have it.
GREEN_TEST("mutex: to lock it twice is an error that names it", "[mutex]") {
    mutex m;
    auto g = co_await m.lock();
    std::string error = co_await error_of_wait(m.lock());
    REQUIRE(error == "green: mutex.lock: the task holds it already and would wait for ever");
    m.set_name("accounts");
    error = co_await error_of_wait(m.lock());
    REQUIRE(
        error ==
        "green: mutex.lock of 'accounts': the task holds it already and would wait for ever"
    );
    REQUIRE_FALSE(m.try_lock());
    REQUIRE(g.owns_lock());
    g.unlock();
    g = co_await m.lock();
}

GREEN_TEST("mutex: who has the guard holds it", "[mutex]") {
    mutex m;
    auto const locks = [&]() -> task<mutex::guard> {
        auto g = co_await m.lock();
        co_return g;
    };
    std::string error;
    auto g = co_await locks();
    error = co_await error_of_wait(m.lock());
    REQUIRE(contains(error, "holds it already"));
    g.unlock();
    // Locked by a task of the limit's, for this one.
    g = co_await with_timeout(1s, m.lock());
    error = co_await error_of_wait(m.lock());
    REQUIRE(contains(error, "holds it already"));
    g.unlock();
    auto maybe = co_await move_on_after(1s, m.lock());
    error = co_await error_of_wait(m.lock());
    REQUIRE(contains(error, "holds it already"));
    // Given to another task: now that one may not lock it, and this one may wait for it.
    auto const takes = [&](mutex::guard taken) -> task<> {
        auto const own = std::move(taken);
        std::string text = co_await error_of_wait(m.lock());
        REQUIRE(contains(text, "holds it already"));
        co_await sleep_for(1ms);
    };
    auto const h = spawn(takes, std::move(*maybe));
    co_await yield();
    auto const mine = co_await m.lock();
    REQUIRE(elapsed() == 1ms);
    co_await h;
}

GREEN_TEST("mutex: try_lock outside a green task is an error", "[mutex]") {
    mutex m;
    std::string error = "not called";
    this_loop().post([&] { error = error_of([&] { auto const g = m.try_lock(); }); });
    co_await sleep_for(1ms);
    REQUIRE(error == "green: mutex::try_lock: only a green task can hold a mutex");
    REQUIRE_FALSE(m.locked());
}

TEST_CASE("mutex: try_lock without a loop is an error", "[mutex]") {
    mutex m;
    REQUIRE(contains(error_of([&] { auto const g = m.try_lock(); }), "mutex::try_lock: no loop"));
}

GREEN_TEST("mutex: a guard may be released where no task runs", "[mutex]") {
    mutex m;
    auto g = co_await m.lock();
    auto const waits = [&]() -> task<> { auto const own = co_await m.lock(); };
    auto const h = spawn(waits);
    co_await settle();
    this_loop().post([&] {
        auto const moved = std::move(g);
        REQUIRE(moved);
    });
    co_await h;
    REQUIRE_FALSE(m.locked());
}

// conformance 205: the guard dies with the task, so there is nothing to break.
GREEN_TEST("mutex: a task that ends, fails or is cancelled gives it back", "[mutex]") {
    mutex m;
    recorder log;
    auto const ends = [&]() -> task<> {
        auto const g = co_await m.lock();
        co_await yield();
    };
    auto const fails = [&]() -> task<> {
        auto const g = co_await m.lock();
        co_await yield();
        throw std::runtime_error("with the lock");
    };
    auto const waits = [&]() -> task<> {
        auto const g = co_await m.lock();
        log.note("waiter");
        co_await sleep_for(1h);
    };
    auto const a = spawn(ends);
    auto const b = spawn(fails);
    auto c = spawn(waits);
    auto const d = spawn(ends);
    co_await b.join();
    REQUIRE(b.exception() != nullptr);
    co_await settle();
    REQUIRE(log.text() == "waiter");
    c.cancel();
    co_await d;
    REQUIRE(c.cancelled());
    REQUIRE(a.successful());
    REQUIRE_FALSE(m.locked());
}

// conformance 201, 202
GREEN_TEST("mutex: whom it was given to passes it on when cancelled", "[mutex]") {
    mutex m;
    recorder log;
    auto g = co_await m.lock();
    auto const waiter = [&](std::string name) -> task<> {
        auto const own = co_await m.lock();
        log.note(name);
        co_await yield();
        log.note(name + "+");
    };
    auto a = spawn(waiter, "a");
    auto const b = spawn(waiter, "b");
    co_await settle();
    g.unlock();
    a.cancel();  // it has the lock, and stops where it next waits
    co_await a.join();
    co_await b;
    REQUIRE(a.cancelled());
    a.cancel();  // over: does nothing
    REQUIRE(log.text() == "a b b+");
    REQUIRE_FALSE(m.locked());
}

GREEN_TEST("mutex: the one who unlocks cancels the next", "[mutex]") {
    for (bool const cancel_first : {false, true}) {
        mutex m;
        recorder log;
        auto g = co_await m.lock();
        auto const waiter = [&](std::string name) -> task<> {
            auto const own = co_await m.lock();
            log.note(name);
        };
        auto a = spawn(waiter, "a");
        auto b = spawn(waiter, "b");
        auto const c = spawn(waiter, "c");
        co_await settle();
        if (cancel_first) a.cancel();
        g.unlock();
        if (!cancel_first) a.cancel();
        b.cancel();
        co_await c;
        REQUIRE(log.text() == (cancel_first ? "b c" : "a c"));
        REQUIRE(a.cancelled() == cancel_first);
        REQUIRE(b.cancelled() != cancel_first);  // it had the lock by then
    }
}

GREEN_TEST("mutex: guards in frames that are unwound hand it on, outermost last", "[mutex]") {
    mutex outer;
    mutex inner;
    recorder log;
    auto const holds_both = [&]() -> task<> {
        auto const a = co_await outer.lock();
        auto const nested = [&]() -> task<> {
            auto const b = co_await inner.lock();
            co_await sleep_for(1h);
        };
        co_await nested();
    };
    auto const wants = [&](mutex* m, std::string name) -> task<> {
        auto const g = co_await m->lock();
        log.stamp(name);
        co_await sleep_for(1ms);
    };
    auto h = spawn(holds_both);
    co_await settle();
    auto const b = spawn(wants, &outer, "outer");
    auto const a = spawn(wants, &inner, "inner");
    co_await sleep_until(clock::time_point(5ms));
    h.cancel();
    co_await a;
    co_await b;
    REQUIRE(log.text() == "inner@5 outer@5");
}

GREEN_TEST("mutex: select over locks takes one of them", "[mutex]") {
    mutex a;
    mutex b;
    auto ga = co_await a.lock();
    auto gb = co_await b.lock();
    recorder log;
    auto const selects = [&]() -> task<> {
        auto const got = co_await select(a.lock(), b.lock(), a.lock());
        log.note(std::to_string(got.index()));
        std::string error;
        if (got.index() == 1) error = co_await error_of_wait(b.lock());
        REQUIRE(contains(error, "holds it already"));
    };
    auto h = spawn(selects);
    co_await settle();
    gb.unlock();
    co_await h;
    REQUIRE(log.text() == "1");
    REQUIRE_FALSE(b.locked());
    h = spawn(selects);
    gb = co_await b.lock();
    co_await settle();
    h.cancel();
    co_await h.join();
    ga.unlock();
    REQUIRE_FALSE(a.locked());
}

// conformance 213
GREEN_TEST("mutex: 100000 waits that are given up leave nothing behind", "[mutex]") {
    mutex m;
    auto g = co_await m.lock();
    int late = 0;
    auto const gives_up = [&]() -> task<> {
        bool const in_time = co_await move_on_after(1ms, [](mutex* l) -> task<> {
            auto const own = co_await l->lock();
        }(&m));
        if (!in_time) ++late;
    };
    int const rounds = static_cast<int>(model_steps(100'000) / 100);
    for (int round = 0; round < rounds; ++round) {
        std::vector<join_handle<void>> handles;
        for (int i = 0; i < 100; ++i) handles.push_back(spawn(gives_up));
        for (const auto& h : handles) co_await h.join();
    }
    REQUIRE(late == rounds * 100);
    g.unlock();
    REQUIRE_FALSE(m.locked());
}

TEST_CASE("mutex: a deadlock's report says who holds what", "[mutex]") {
    mutex a;
    mutex b;
    a.set_name("a");
    b.set_name("b");
    auto const body = [&]() -> task<> {
        auto const takes = [](mutex* first, mutex* second) -> task<> {
            auto const one = co_await first->lock();
            co_await yield();
            auto const two = co_await second->lock();
        };
        auto const left = spawn({.name = "left"}, takes, &a, &b);
        auto const right = spawn({.name = "right"}, takes, &b, &a);
        co_await left;
        co_await right;
    };
    std::string const text = deadlock_of(body);
    INFO(text);
    REQUIRE(contains(text, "'left' waits for mutex.lock of 'b', held by #3 'right'"));
    REQUIRE(contains(text, "'right' waits for mutex.lock of 'a', held by #2 'left'"));
    REQUIRE_FALSE(a.locked());
    REQUIRE_FALSE(b.locked());
}

TEST_CASE("mutex: destructors unlock while the run ends", "[mutex]") {
    mutex m;
    recorder log;
    struct unlocks {
        mutex::guard guard;
        recorder* log;
        ~unlocks() {
            guard.unlock();
            log->note("unlocked");
        }
    };
    auto const body = [&]() -> task<> {
        auto const holds = [](mutex* l, recorder* r) -> task<> {
            auto g = co_await l->lock();
            unlocks const at_end{std::move(g), r};
            co_await sleep_for(1h);
        };
        for (int i = 0; i < 3; ++i) spawn(holds, &m, &log);
        co_await sleep_for(1ms);
    };
    run(virtual_clock(), body);
    REQUIRE(log.text() == "unlocked");
    REQUIRE_FALSE(m.locked());
}

// --- the model

class mutex_model : public wait_model {
public:
    bool ready(modelled_wait& w) override {
        if (holder_ != 0) return false;
        holder_ = w.id;
        return true;
    }
    bool passed(modelled_wait& w) override {
        if (!w.keeps) unlock();
        return true;
    }
    void unlock() {
        holder_ = 0;
        if (waiting().empty()) return;
        holder_ = waiting().front()->id;
        grant(*waiting().front());
    }
    int holder() const { return holder_; }

private:
    int holder_ = 0;
};

class mutex_driver : public model_driver {
public:
    explicit mutex_driver(std::uint64_t seed) : model_driver(seed, model_) {}

    task<> perform(modelled_wait& w) override {
        auto g = co_await m_.lock();
        if (w.keeps) {
            expect(!kept_, "two guards");
            kept_ = std::move(g);
        }
    }
    void act() override {
        switch (random().below(7)) {
        case 0:
        case 1: finish(); break;
        case 2: cancel_one(); break;
        case 3: {
            auto g = m_.try_lock();
            expect(static_cast<bool>(g) == (model_.holder() == 0), "try_lock");
            break;
        }
        default: begin(); break;
        }
    }
    void compare() override {
        expect(m_.locked() == (model_.holder() != 0), "locked");
        expect(kept_.owns_lock() == (model_.holder() != 0), "who holds it");
    }
    void finish() override {
        if (!kept_) return;
        kept_.unlock();
        model_.unlock();
    }

private:
    mutex_model model_;
    mutex m_;
    mutex::guard kept_;
};

TEST_CASE("mutex: random operations agree with a model", "[mutex][model]") {
    run_model<mutex_driver>(130'000);
}

}  // namespace
