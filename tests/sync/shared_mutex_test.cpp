#include <green/sync/shared_mutex.hpp>

#include "support/model.hpp"
#include "support/waits.hpp"

#include <green/sync/event.hpp>
#include <green/sync/select.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

struct lock_subject {
    explicit lock_subject(int) {}
    static constexpr bool can_be_ready = true;
    void close() { held = m.try_lock_shared(); }
    void open() { held.unlock(); }
    task<> pass() { auto const g = co_await m.lock(); }
    bool intact() { return static_cast<bool>(m.try_lock()); }

    shared_mutex m;
    shared_mutex::shared_guard held;
};

struct lock_shared_subject {
    explicit lock_shared_subject(int) {}
    static constexpr bool can_be_ready = true;
    void close() { held = m.try_lock(); }
    void open() { held.unlock(); }
    task<> pass() { auto const g = co_await m.lock_shared(); }
    bool intact() { return static_cast<bool>(m.try_lock()); }

    shared_mutex m;
    shared_mutex::guard held;
};

GREEN_TEST("shared_mutex.lock: the five tests", "[shared_mutex]") {
    co_await five_tests<lock_subject>();
}

GREEN_TEST("shared_mutex.lock_shared: the five tests", "[shared_mutex]") {
    co_await five_tests<lock_shared_subject>();
}

TEST_CASE("shared_mutex: destroyed by the end of run", "[shared_mutex]") {
    destroyed_by_the_end_of_run<lock_subject>();
    destroyed_by_the_end_of_run<lock_shared_subject>();
}

GREEN_TEST("shared_mutex: readers go in together, a writer alone", "[shared_mutex]") {
    shared_mutex m;
    recorder log;
    auto const reads = [&](std::string name) -> task<> {
        auto const g = co_await m.lock_shared();
        log.stamp(name);
        co_await sleep_for(1ms);
    };
    auto const writes = [&](std::string name) -> task<> {
        auto const g = co_await m.lock();
        log.stamp(name);
        co_await sleep_for(1ms);
    };
    std::vector<join_handle<void>> all;
    all.push_back(spawn(reads, "r1"));
    all.push_back(spawn(reads, "r2"));
    all.push_back(spawn(writes, "w1"));
    all.push_back(spawn(reads, "r3"));  // behind the writer
    all.push_back(spawn(reads, "r4"));
    all.push_back(spawn(writes, "w2"));
    all.push_back(spawn(writes, "w3"));
    all.push_back(spawn(reads, "r5"));
    for (const auto& h : all) co_await h;
    REQUIRE(log.text() == "r1@0 r2@0 w1@1 r3@2 r4@2 w2@3 w3@4 r5@5");
}

// conformance 206
GREEN_TEST("shared_mutex: try_lock and try_lock_shared never overtake", "[shared_mutex]") {
    shared_mutex m;
    auto reader = m.try_lock_shared();
    REQUIRE(reader);
    REQUIRE(m.try_lock_shared());
    REQUIRE_FALSE(m.try_lock());
    auto const writes = [&]() -> task<> { auto const g = co_await m.lock(); };
    auto const h = spawn(writes);
    co_await settle();
    REQUIRE_FALSE(m.try_lock_shared());  // the writer waits
    reader.unlock();
    REQUIRE_FALSE(m.try_lock_shared());  // it is the writer's
    REQUIRE_FALSE(m.try_lock());
    co_await h;
    REQUIRE(m.try_lock());
}

GREEN_TEST("shared_mutex: guards can be moved and be empty", "[shared_mutex]") {
    shared_mutex m;
    shared_mutex::guard none;
    shared_mutex::shared_guard no_reader;
    none.unlock();
    no_reader.unlock();
    REQUIRE_FALSE(none.owns_lock());
    REQUIRE_FALSE(no_reader);
    auto a = co_await m.lock_shared();
    auto b = std::move(a);
    REQUIRE_FALSE(a);  // NOLINT(bugprone-use-after-move): what is left of it
    REQUIRE(b);
    auto& same = b;
    b = std::move(same);
    REQUIRE(b);
    a = co_await m.lock_shared();
    a = std::move(b);  // one of the two goes back
    a.unlock();
    a.unlock();
    auto w = co_await m.lock();
    auto moved = std::move(w);
    REQUIRE_FALSE(m.try_lock_shared());
    moved = shared_mutex::guard();
    REQUIRE(m.try_lock_shared());
}

// conformance 208 for readers behind a writer
GREEN_TEST("shared_mutex: a writer that gives up lets the readers behind it in", "[shared_mutex]") {
    shared_mutex m;
    auto reader = co_await m.lock_shared();
    recorder log;
    auto const reads = [&](std::string name) -> task<> {
        auto const g = co_await m.lock_shared();
        log.stamp(name);
    };
    auto const writes = [&]() -> task<> {
        auto const g = co_await with_timeout(3ms, m.lock());
        log.note("never");
    };
    auto const w = spawn(writes);
    co_await settle();
    auto const a = spawn(reads, "a");
    auto const b = spawn(reads, "b");
    co_await w.join();
    REQUIRE(w.exception() != nullptr);
    co_await a;
    co_await b;
    REQUIRE(log.text() == "a@3 b@3");
    reader.unlock();
    REQUIRE(m.try_lock());
}

GREEN_TEST(
    "shared_mutex: a writer that was let in and cancelled lets readers in", "[shared_mutex]"
) {
    shared_mutex m;
    recorder log;
    auto reader = co_await m.lock_shared();
    auto const writes = [&]() -> task<> {
        auto const g = co_await m.lock();
        log.note("writer");
        co_await yield();
        log.note("never");
    };
    auto const reads = [&]() -> task<> {
        auto const g = co_await m.lock_shared();
        log.note("reader");
    };
    auto w = spawn(writes);
    auto const a = spawn(reads);
    auto const b = spawn(reads);
    co_await settle();
    reader.unlock();
    w.cancel();
    co_await a;
    co_await b;
    REQUIRE(w.cancelled());
    REQUIRE(log.text() == "writer reader reader");
}

// A case that leaves the queue may let another of the same select in: it must be out by then.
GREEN_TEST("shared_mutex: select over both ways to lock the same one", "[shared_mutex][select]") {
    recorder log;
    for (bool const cancels : {true, false}) {
        shared_mutex m;
        event e;
        auto reader = co_await m.lock_shared();
        auto const selects = [&]() -> task<> {
            auto const got = co_await select(m.lock(), e.wait(), m.lock_shared());
            log.note(std::to_string(got.index()));
        };
        auto const writes = [&]() -> task<> { auto const g = co_await m.lock(); };
        auto writer = spawn(writes);  // else lock_shared would be ready at once
        co_await settle();
        auto h = spawn(selects);
        co_await settle();
        writer.cancel();
        co_await writer.join();
        if (cancels) {
            h.cancel();
        } else {
            e.set();
        }
        co_await h.join();
        REQUIRE(h.cancelled() == cancels);
        reader.unlock();
        REQUIRE(m.try_lock());
    }
    REQUIRE(log.text() == "1");
}

TEST_CASE("shared_mutex: what a deadlock's report says", "[shared_mutex]") {
    shared_mutex table;
    table.set_name("table");
    auto const body = [&]() -> task<> {
        auto const reads = [](shared_mutex* m) -> task<> {
            auto const g = co_await m->lock_shared();
        };
        auto const a = co_await table.lock_shared();
        auto const b = co_await table.lock_shared();
        auto const writes = [](shared_mutex* m) -> task<> { auto const g = co_await m->lock(); };
        auto const w = spawn(writes, &table);
        auto const r = spawn(reads, &table);
        co_await w;
    };
    std::string text = deadlock_of(body);
    INFO(text);
    REQUIRE(contains(text, "shared_mutex.lock of 'table', held by 2 readers\n"));
    REQUIRE(contains(text, "shared_mutex.lock_shared of 'table', held by 2 readers\n"));
    auto const twice = [&]() -> task<> {
        auto const a = co_await table.lock();
        auto const b = co_await table.lock_shared();
    };
    text = deadlock_of(twice);
    REQUIRE(contains(text, "'main' waits for shared_mutex.lock_shared of 'table', held by a writer")
    );
}

// --- the model: kind 0 writes, kind 1 reads

class shared_mutex_model : public wait_model {
public:
    bool ready(modelled_wait& w) override {
        if (!waiting().empty() || !fits(w.kind)) return false;
        enter(w);
        return true;
    }
    bool passed(modelled_wait& w) override {
        if (!w.keeps) leave_lock(w.kind);
        return true;
    }
    void withdrawn(modelled_wait&) override { serve(); }

    bool fits(int kind) const { return !writer_ && (kind == 1 || readers_ == 0); }
    bool free_for(int kind) { return waiting().empty() && fits(kind); }
    void leave_lock(int kind) {
        if (kind == 0) {
            writer_ = false;
        } else {
            --readers_;
        }
        serve();
    }

private:
    void enter(modelled_wait& w) {
        if (w.kind == 0) {
            writer_ = true;
        } else {
            ++readers_;
        }
    }
    void serve() {
        while (!waiting().empty() && fits(waiting().front()->kind)) {
            enter(*waiting().front());
            grant(*waiting().front());
        }
    }

    bool writer_ = false;
    int readers_ = 0;
};

class shared_mutex_driver : public model_driver {
public:
    explicit shared_mutex_driver(std::uint64_t seed) : model_driver(seed, model_) {}

    task<> perform(modelled_wait& w) override {
        if (w.kind == 0) {
            auto g = co_await m_.lock();
            expect(readers_.empty() && !writer_, "a writer is not alone");
            if (w.keeps) writer_ = std::move(g);
        } else {
            auto g = co_await m_.lock_shared();
            expect(!writer_, "a reader beside a writer");
            if (w.keeps) readers_.push_back(std::move(g));
        }
    }
    void act() override {
        switch (random().below(8)) {
        case 0:
        case 1:
        case 2: finish(); break;
        case 3: cancel_one(); break;
        case 4: {
            bool const writes = random().one_in(2);
            bool const got = writes ? static_cast<bool>(m_.try_lock())
                                    : static_cast<bool>(m_.try_lock_shared());
            expect(got == model_.free_for(writes ? 0 : 1), "try_lock");
            break;
        }
        default: begin(random().one_in(3) ? 0 : 1); break;
        }
    }
    void compare() override {}
    void finish() override {
        if (writer_) {
            writer_.unlock();
            model_.leave_lock(0);
        } else if (!readers_.empty()) {
            readers_.erase(readers_.begin() + random().below(static_cast<int>(readers_.size())));
            model_.leave_lock(1);
        }
    }

private:
    shared_mutex_model model_;
    shared_mutex m_;
    shared_mutex::guard writer_;
    std::vector<shared_mutex::shared_guard> readers_;
};

TEST_CASE("shared_mutex: random operations agree with a model", "[shared_mutex][model]") {
    run_model<shared_mutex_driver>(130'000);
}

}  // namespace
