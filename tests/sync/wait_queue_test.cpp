// What all primitives of sync/ have in common: one that dies while tasks wait for it, and everything
// at once. The rest is in the tests of each.

#include <green/sync/wait_queue.hpp>

#include "support/model.hpp"
#include "support/subprocess.hpp"
#include "support/waits.hpp"

#include <green/sync/barrier.hpp>
#include <green/sync/condition.hpp>
#include <green/sync/event.hpp>
#include <green/sync/latch.hpp>
#include <green/sync/mutex.hpp>
#include <green/sync/select.hpp>
#include <green/sync/semaphore.hpp>
#include <green/sync/shared_mutex.hpp>

#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace green;
using namespace green_test;

// --- a primitive is destroyed while a task waits for it

/// A guard that is never released: its lock will be gone.
template <class Guard>
class lost {
public:
    explicit lost(Guard g) { new (place_) Guard(std::move(g)); }

private:
    alignas(Guard) std::byte place_[sizeof(Guard)];
};

/// The exception that the waiter got, if the process is still there.
template <class P, class W>
task<std::string> destroy_under(std::unique_ptr<P> p, W wait) {
    p->set_name("gone");
    auto const waiter = [](P* primitive, W* w) -> task<> { co_await (*w)(*primitive); };
    auto const h = spawn({.name = "waiter"}, waiter, p.get(), &wait);
    co_await settle();
    p.reset();
    co_await h.join();
    co_return error_of([&] { h.result(); });
}

constexpr const char* kinds[] = {
    "event.wait",
    "mutex.lock",
    "shared_mutex.lock",
    "shared_mutex.lock_shared",
    "semaphore.acquire",
    "condition.wait",
    "latch.wait",
    "barrier.arrive_and_wait",
    "select",
};

task<std::string> destroyed(std::string kind) {
    if (kind == "event.wait") {
        auto const wait = [](event& e) -> task<> { co_await e.wait(); };
        co_return co_await destroy_under(std::make_unique<event>(), wait);
    }
    if (kind == "mutex.lock") {
        auto m = std::make_unique<mutex>();
        lost const held(m->try_lock());
        auto const wait = [](mutex& l) -> task<> { auto const g = co_await l.lock(); };
        co_return co_await destroy_under(std::move(m), wait);
    }
    if (kind == "shared_mutex.lock") {
        auto m = std::make_unique<shared_mutex>();
        lost const held(m->try_lock_shared());
        auto const wait = [](shared_mutex& l) -> task<> { auto const g = co_await l.lock(); };
        co_return co_await destroy_under(std::move(m), wait);
    }
    if (kind == "shared_mutex.lock_shared") {
        auto m = std::make_unique<shared_mutex>();
        lost const held(m->try_lock());
        auto const wait = [](shared_mutex& l) -> task<> {
            auto const g = co_await l.lock_shared();
        };
        co_return co_await destroy_under(std::move(m), wait);
    }
    if (kind == "semaphore.acquire") {
        auto const wait = [](semaphore& s) -> task<> { auto const p = co_await s.acquire(); };
        co_return co_await destroy_under(std::make_unique<semaphore>(0U), wait);
    }
    if (kind == "condition.wait") {
        mutex m;
        auto const wait = [&m](condition& c) -> task<> {
            auto g = co_await m.lock();
            co_await c.wait(g);
        };
        co_return co_await destroy_under(std::make_unique<condition>(), wait);
    }
    if (kind == "latch.wait") {
        auto const wait = [](latch& l) -> task<> { co_await l.wait(); };
        co_return co_await destroy_under(std::make_unique<latch>(1U), wait);
    }
    if (kind == "barrier.arrive_and_wait") {
        auto const wait = [](barrier& b) -> task<> { co_await b.arrive_and_wait(); };
        co_return co_await destroy_under(std::make_unique<barrier>(2U), wait);
    }
    event other;
    auto const wait = [&other](event& e) -> task<> { co_await select(other.wait(), e.wait()); };
    co_return co_await destroy_under(std::make_unique<event>(), wait);
}

#ifdef NDEBUG

GREEN_TEST("waiters of a primitive that is destroyed get an error", "[wait_queue]") {
    for (const char* kind : kinds) {
        INFO(kind);
        std::string const error = co_await destroyed(kind);
        REQUIRE(error == "green: what this task waited for was destroyed");
    }
}

#else

TEST_CASE("destroys what a task waits for", "[.][destroys]") {
    std::signal(
        SIGABRT, SIG_DFL
    );  // Catch's handler allocates, which ThreadSanitizer does not like
    const char* const kind = std::getenv("GREEN_TEST_DESTROYED");
    auto const body = [&]() -> task<> { co_await destroyed(kind ? kind : ""); };
    run(virtual_clock(), body);
}

/// Runs the test case above in a process of its own. Its output, if it was aborted.
std::string output_of_destroying(const char* kind) {
    auto const ended = run_process(
        {program_path(), "destroys what a task waits for"},
        {std::string("GREEN_TEST_DESTROYED=") + kind}
    );
    INFO(ended.output);
    REQUIRE(ended.status == 256 + SIGABRT);
    return ended.output;
}

TEST_CASE("to destroy what a task waits for ends the process and says why", "[wait_queue]") {
    for (std::string kind : kinds) {
        std::string const output = output_of_destroying(kind.c_str());
        INFO(output);
        if (kind == "select") kind = "event.wait";
        REQUIRE(contains(
            output, "green: destroyed while task #2 'waiter' waits for it: " + kind + " of 'gone'"
        ));
    }
}

#endif

// --- everything at once

/// Counts who is inside what.
class inside {
public:
    explicit inside(int& n) : n_(n) { ++n_; }
    inside(const inside&) = delete;
    inside& operator=(const inside&) = delete;
    ~inside() { --n_; }

private:
    int& n_;
};

struct world {
    explicit world(std::uint64_t seed) : random(seed) {}

    random_source random;
    census frames;
    mutex m;
    shared_mutex table;
    semaphore permits{3, 3};
    event e;
    mutex jobs_lock;
    condition jobs_come;
    int jobs = 0;
    int in_m = 0;
    int readers = 0;
    int writers = 0;
    int out = 0;
    int through = 0;
    std::vector<join_handle<void>> handles;
    std::string wrong;

    void expect(bool ok, const char* what) {
        if (!ok && wrong.empty()) wrong = what;
    }
    std::chrono::nanoseconds delay() { return std::chrono::milliseconds(random.below(4)); }
    void cancel_one() {
        if (handles.empty()) return;
        handles[static_cast<std::size_t>(random.below(static_cast<int>(handles.size())))].cancel();
    }
};

task<> stroll(world& w, int depth);

/// Does things while it is unwound, or not.
struct busy_end {
    world& w;
    ~busy_end() {
        switch (w.random.below(6)) {
        case 0: w.e.set(); break;
        case 1: w.e.clear(); break;
        case 2: w.jobs_come.notify_one(); break;
        case 3: w.jobs_come.notify_all(); break;
        case 4: w.cancel_one(); break;
        default: break;
        }
    }
};

task<> hold(world& w, int depth) {
    ++w.through;
    auto const d = w.delay();
    if (w.random.one_in(2)) co_await sleep_for(d);
    if (w.random.one_in(2)) co_await stroll(w, depth - 1);
}

task<> with_mutex(world& w, int depth) {
    auto g = co_await w.m.lock();
    inside const i(w.in_m);
    w.expect(w.in_m == 1, "two in the mutex");
    busy_end const end{w};
    auto const moved = std::move(g);
    co_await hold(w, depth);
    w.expect(w.in_m == 1, "two in the mutex");
}

task<> with_table(world& w, int depth) {
    if (w.random.one_in(3)) {
        auto const g = co_await w.table.lock();
        inside const i(w.writers);
        w.expect(w.writers == 1 && w.readers == 0, "a writer is not alone");
        busy_end const end{w};
        co_await hold(w, depth);
        w.expect(w.writers == 1 && w.readers == 0, "a writer is not alone");
    } else {
        auto const g = co_await w.table.lock_shared();
        inside const i(w.readers);
        w.expect(w.writers == 0, "a reader beside a writer");
        co_await hold(w, depth);
        w.expect(w.writers == 0, "a reader beside a writer");
    }
}

task<> with_permits(world& w, int depth) {
    int const n = 1 + w.random.below(3);
    auto const p = co_await w.permits.acquire(static_cast<std::size_t>(n));
    struct taken {
        int& out;
        int n;
        ~taken() { out -= n; }
    } const count{w.out, n};
    w.out += n;
    w.expect(w.out <= 3, "too many permits");
    co_await hold(w, depth);
}

task<> with_jobs(world& w) {
    auto g = co_await w.jobs_lock.lock();
    busy_end const end{w};
    if (w.random.one_in(2)) {
        ++w.jobs;
        w.jobs_come.notify_one();
        co_return;
    }
    co_await w.jobs_come.wait(g, [&w] { return w.jobs > 0; });
    w.expect(g.owns_lock() && w.jobs > 0, "woken without a job");
    --w.jobs;
    ++w.through;
}

task<> with_select(world& w, int depth) {
    auto const got = co_await select(
        w.permits.acquire(3), w.table.lock(), w.e.wait(), w.m.lock(), w.permits.acquire(1),
        w.table.lock_shared()
    );
    w.expect(got.index() != 3 || w.in_m == 0, "selected a mutex that is locked");
    w.expect(got.index() != 1 || (w.writers == 0 && w.readers == 0), "selected a table in use");
    w.expect(got.index() != 0 || w.out == 0, "selected permits that are taken");
    inside const i(got.index() == 3 ? w.in_m : w.through);
    inside const j(got.index() == 1 ? w.writers : w.through);
    inside const k(got.index() == 5 ? w.readers : w.through);
    inside const l(got.index() == 4 ? w.out : w.through);
    auto const d = w.delay();
    co_await sleep_for(d);
    if (got.index() == 2) co_await stroll(w, depth - 1);
}

task<> stroll(world& w, int depth) {
    tracker const t(w.frames);
    if (depth <= 0) co_return;
    auto const d = w.delay();
    try {
        switch (w.random.below(12)) {
        case 0: co_await with_mutex(w, depth); break;
        case 1: co_await with_table(w, depth); break;
        case 2: co_await with_permits(w, depth); break;
        case 3: co_await with_jobs(w); break;
        case 4: co_await with_select(w, depth); break;
        case 5: co_await w.e.wait(); break;
        case 6: co_await with_timeout(d, stroll(w, depth - 1)); break;
        case 7: co_await move_on_after(d, stroll(w, depth - 1)); break;
        case 8: co_await shield(move_on_after(d, stroll(w, depth - 1))); break;
        case 9: w.handles.push_back(spawn(stroll(w, depth - 1))); break;
        case 10: {
            // What it was handed goes through the hands of the limit's task.
            auto const g = co_await with_timeout(d, w.m.lock());
            inside const i(w.in_m);
            w.expect(w.in_m == 1, "two in the mutex");
            co_await hold(w, depth);
            break;
        }
        default:
            w.cancel_one();
            co_await yield();
            break;
        }
    } catch (const timeout_error&) {
    } catch (const std::logic_error& e) {
        w.expect(contains(e.what(), "holds it already"), e.what());
    }
}

task<> walk(world& w) {
    for (int i = 0; i < 40; ++i) {
        w.handles.push_back(spawn(stroll(w, 5)));
        auto const d = w.delay();
        if (w.random.one_in(4)) co_await sleep_for(d);
        if (w.random.one_in(4)) w.cancel_one();
        if (w.random.one_in(8)) w.e.set();
        if (w.random.one_in(8)) w.e.clear();
    }
}

std::string walk_through(std::uint64_t seed) {
    world w(seed);
    run_options options = virtual_clock();
    options.shutdown_grace = 30min;  // shields come to their end
    auto const body = [&w]() -> task<> { co_await walk(w); };
    try {
        run(options, body);
    } catch (const std::exception& e) {
        w.expect(false, e.what());
    }
    w.handles.clear();
    w.expect(w.frames.clean(), "a frame was not destroyed, or twice");
    w.expect(!w.m.locked(), "the mutex is locked");
    w.expect(!w.jobs_lock.locked(), "the condition's mutex is locked");
    w.expect(static_cast<bool>(w.table.try_lock()), "the table is locked");
    w.expect(w.permits.available() == 3, "permits are missing");
    return w.wrong;
}

TEST_CASE(
    "random tasks with locks, limits, cancels and selects lose nothing", "[wait_queue][model]"
) {
    run_seeds(model_steps(1'000'000), [](std::uint64_t seed, std::uint64_t) {
        return walk_through(seed);
    });
}

}  // namespace
