#include <green/core/awaitable.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>
#include <green/tasks/when_all.hpp>

#include <concepts>
#include <coroutine>
#include <exception>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if GREEN_ASAN && __has_include(<sanitizer/lsan_interface.h>)
#include <sanitizer/lsan_interface.h>
#endif

// Any C++20 awaiter can be awaited in a green task.

namespace {

using namespace green;
using namespace green_test;

// --- the concept

struct not_awaitable {};
struct with_member {
    std::suspend_never operator co_await() const noexcept { return {}; }
};
struct with_free {};
std::suspend_never operator co_await(with_free) noexcept { return {}; }

static_assert(!awaitable<int>);
static_assert(!awaitable<not_awaitable>);
static_assert(awaitable<std::suspend_never>);
static_assert(awaitable<with_member>);
static_assert(awaitable<with_free>);
static_assert(awaitable<task<int>>);
static_assert(awaitable<gate::awaiter>);
static_assert(awaitable<sleep_awaitable>);
static_assert(awaitable<join_handle<int>>);
static_assert(std::same_as<await_result_t<task<int>>, int>);
static_assert(std::same_as<await_result_t<gate::awaiter>, int>);
static_assert(std::same_as<await_result_t<sleep_awaitable>, void>);
static_assert(std::same_as<await_result_t<join_handle<std::string>>, std::string>);

// --- what await_suspend may return

struct returns_bool {
    bool suspends;
    std::coroutine_handle<>* where;
    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> h) const noexcept {
        *where = h;
        return suspends;
    }
    int await_resume() const noexcept { return 3; }
};

GREEN_TEST("await_suspend may return bool", "[awaitable]") {
    std::coroutine_handle<> h;
    returns_bool const at_once{false, &h};
    int const first = co_await at_once;
    REQUIRE(first == 3);
    returns_bool const later{true, &h};
    this_loop().post([&] { h.resume(); });
    int const second = co_await later;
    REQUIRE(second == 3);
}

struct returns_noop {
    std::coroutine_handle<>* where;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) const noexcept {
        *where = h;
        return std::noop_coroutine();
    }
    int await_resume() const noexcept { return 4; }
};

/// A coroutine type that knows nothing of green and transfers to its continuation at the end, as
/// cppcoro's task does.
class foreign_task {
public:
    struct promise_type {
        foreign_task get_return_object() {
            return foreign_task(std::coroutine_handle<promise_type>::from_promise(*this));
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        auto final_suspend() noexcept {
            struct transfer {
                bool await_ready() noexcept { return false; }
                std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> h
                ) noexcept {
                    return h.promise().continuation;
                }
                void await_resume() noexcept {}
            };
            return transfer{};
        }
        void return_value(int n) { value = n; }
        void unhandled_exception() { error = std::current_exception(); }
        std::coroutine_handle<> continuation;
        std::exception_ptr error;
        int value = 0;
    };

    foreign_task(foreign_task&& o) noexcept : frame_(std::exchange(o.frame_, nullptr)) {}
    ~foreign_task() {
        if (frame_) frame_.destroy();
    }
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> h) noexcept {
        frame_.promise().continuation = h;
        return frame_;
    }
    int await_resume() {
        if (frame_.promise().error) std::rethrow_exception(frame_.promise().error);
        return frame_.promise().value;
    }

private:
    explicit foreign_task(std::coroutine_handle<promise_type> h) : frame_(h) {}
    std::coroutine_handle<promise_type> frame_;
};

foreign_task foreign_sum(gate& g, int n) {
    int const value = co_await g.wait();
    if (n < 0) throw std::runtime_error("foreign failure");
    co_return value + n;
}

GREEN_TEST("await_suspend may return a handle", "[awaitable]") {
    std::coroutine_handle<> h;
    returns_noop const later{&h};
    this_loop().post([&] { h.resume(); });
    int const n = co_await later;
    REQUIRE(n == 4);
}

GREEN_TEST("coroutines of other libraries can be awaited", "[awaitable]") {
    gate g;
    this_loop().post([&] { g.open(40); });
    int const later = co_await foreign_sum(g, 2);
    REQUIRE(later == 42);
    int const at_once = co_await foreign_sum(g, 3);
    REQUIRE(at_once == 43);
    bool caught = false;
    try {
        co_await foreign_sum(g, -1);
    } catch (const std::runtime_error&) {
        caught = true;
    }
    REQUIRE(caught);
}

struct throws_in {
    enum class place { ready, suspend, resume } where;
    bool await_ready() const {
        if (where == place::ready) throw std::runtime_error("ready");
        return where == place::resume;
    }
    void await_suspend(std::coroutine_handle<>) const { throw std::runtime_error("suspend"); }
    void await_resume() const { throw std::runtime_error("resume"); }
};

GREEN_TEST("what an awaiter throws is thrown at the co_await", "[awaitable]") {
    recorder log;
    for (auto const where :
         {throws_in::place::ready, throws_in::place::suspend, throws_in::place::resume}) {
        throws_in const awaiter{where};
        try {
            co_await awaiter;
        } catch (const std::runtime_error& e) {
            log.note(e.what());
        }
        co_await yield();  // the task is in order
    }
    REQUIRE(log.text() == "ready suspend resume");
}

struct resumes_inside {
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) const { h.resume(); }
    void await_resume() const noexcept {}
};

// rule 1
GREEN_TEST("resume() never runs the task inline", "[awaitable]") {
    recorder log;
    auto const body = [&]() -> task<> {
        co_await resumes_inside{};
        log.note("resumed");
    };
    auto const h = spawn(body);
    auto const beside = spawn([&]() -> task<> {
        log.note("beside");
        co_return;
    });
    co_await h;
    co_await beside;
    REQUIRE(log.text() == "beside resumed");

    gate g;
    log.clear();
    auto const waits = spawn([&]() -> task<> {
        co_await g.wait();
        log.note("through");
    });
    co_await yield();
    g.open();
    log.note("opened");
    co_await waits;
    REQUIRE(log.text() == "opened through");
}

GREEN_TEST("waiters on one event resume in its order", "[awaitable]") {
    gate g;
    recorder log;
    auto const waiter = [&](const char* name) -> task<> {
        co_await g.wait();
        log.note(name);
    };
    auto const a = spawn(waiter, "a");
    auto const b = spawn(waiter, "b");
    auto const c = spawn(waiter, "c");
    co_await sleep_for(1ms);
    g.open();
    co_await a;
    co_await b;
    co_await c;
    REQUIRE(log.text() == "a b c");
}

// --- another thread

class on_another_thread {
public:
    on_another_thread() : guard_(this_loop().keep_alive()) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        thread_ = std::thread([this, h] {
            id_ = std::this_thread::get_id();
            h.resume();
        });
    }
    std::thread::id await_resume() {
        thread_.join();
        return id_;
    }

private:
    loop::work_guard guard_;
    std::thread thread_;
    std::thread::id id_;
};

TEST_CASE("an awaiter may resume from another thread; the task stays on its own", "[awaitable]") {
    for (auto const& options : {real_clock(), virtual_clock()}) {
        run(options, []() -> task<> {
            auto const here = std::this_thread::get_id();
            for (int i = 0; i < 200; ++i) {
                std::thread::id const other = co_await on_another_thread();
                REQUIRE(std::this_thread::get_id() == here);
                REQUIRE(other != here);
            }
        });
    }
}

TEST_CASE("many tasks may wait for other threads at once", "[awaitable]") {
    run([]() -> task<> {
        std::vector<task<>> tasks;
        for (int i = 0; i < 50; ++i) {
            tasks.push_back([]() -> task<> {
                for (int k = 0; k < 4; ++k) co_await on_another_thread();
            }());
        }
        co_await when_all(std::move(tasks));
    });
}

// --- cancel

GREEN_TEST("an awaiter that is ready at once does not suspend", "[awaitable]") {
    gate g;
    g.open(9);
    int const value = co_await g.wait();
    REQUIRE(value == 9);
    REQUIRE(g.asked() == 0);
}

GREEN_TEST("an awaiter suspends and gives its result", "[awaitable]") {
    gate g;
    auto const opener = spawn([&]() -> task<> {
        co_await sleep_for(5ms);
        g.open(8);
    });
    int const value = co_await g.wait();
    REQUIRE(value == 8);
    REQUIRE(elapsed() == 5ms);
}

GREEN_TEST("an awaiter that is cancelled before it starts is not asked", "[awaitable]") {
    gate g;
    g.open();
    census frames;
    recorder log;
    join_handle<void> h;
    h = spawn([&]() -> task<> {
        tracker const t(frames);
        h.cancel();
        co_await g.wait();  // although it is ready
        log.note("never");
    });
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(log.text().empty());
    REQUIRE(frames.clean());
    REQUIRE(g.waiting() == 0);
}

GREEN_TEST("an awaiter that says true is forgotten at once", "[awaitable]") {
    gate g(gate::when_cancelled::forgets);
    census frames;
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        co_await g.wait();
    });
    co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(g.asked() == 1);
    REQUIRE(g.broken() == 0);
    REQUIRE(frames.clean());
    REQUIRE(h.cancelled());
}

// rule 3
GREEN_TEST("an awaiter that says false keeps its frames until it completes", "[awaitable]") {
    gate g(gate::when_cancelled::refuses);
    census frames;
    recorder log;
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        int const value = co_await g.wait();
        log.stamp("got" + std::to_string(value));  // a finished operation beats a cancel
        co_await yield();
        log.note("never");
    });
    co_await sleep_for(1ms);
    h.cancel();
    h.cancel();
    co_await sleep_for(1ms);
    h.cancel();
    REQUIRE(g.asked() == 1);  // once per wait
    REQUIRE(frames.live() == 1);
    g.open(5);
    co_await h.join();
    REQUIRE(log.text() == "got5@2");
    REQUIRE(h.cancelled());
    REQUIRE(frames.clean());
    REQUIRE(g.broken() == 0);
}

struct not_cancellable {
    gate& g;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) { wait.await_suspend(h); }
    int await_resume() const { return wait.await_resume(); }
    gate::awaiter wait{g};
};

GREEN_TEST("an awaiter without cancel() is seen through", "[awaitable]") {
    gate g;
    census frames;
    recorder log;
    auto h = spawn([&]() -> task<> {
        tracker const t(frames);
        not_cancellable wait{g};
        co_await wait;
        log.note("through");
        co_await yield();
        log.note("never");
    });
    co_await yield();
    h.cancel();
    co_await sleep_for(1ms);
    REQUIRE(frames.live() == 1);
    REQUIRE(g.asked() == 0);
    g.open();
    co_await h.join();
    REQUIRE(log.text() == "through");
    REQUIRE(h.cancelled());
}

// rule 2
GREEN_TEST("completed and cancelled in one turn: the result wins", "[awaitable]") {
    gate g;
    recorder log;
    auto h = spawn([&]() -> task<> {
        int const value = co_await g.wait();
        log.note("got" + std::to_string(value));
        co_await yield();
        log.note("never");
    });
    co_await yield();
    g.open(5);
    h.cancel();
    REQUIRE(g.asked() == 0);
    co_await h.join();
    REQUIRE(log.text() == "got5");
    REQUIRE(h.cancelled());
}

GREEN_TEST("an awaiter may complete inside its own cancel()", "[awaitable]") {
    struct completes {
        std::coroutine_handle<> h{};
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) { h = handle; }
        std::string await_resume() const { return "aborted"; }
        bool cancel() noexcept {
            h.resume();
            return false;
        }
    };
    recorder log;
    auto h = spawn([&]() -> task<> {
        std::string const result = co_await completes{};
        log.note(result);
        co_await yield();
        log.note("never");
    });
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(log.text() == "aborted");
    REQUIRE(h.cancelled());
}

TEST_CASE("awaiters that wait at the end of the run are asked, then destroyed", "[awaitable]") {
    gate forgets;
    gate refuses(gate::when_cancelled::refuses);
    census frames;
    run(virtual_clock(), [&]() -> task<> {
        auto const waiter = [&](gate& g) -> task<> {
            tracker const t(frames);
            co_await g.wait();
        };
        spawn(waiter, std::ref(forgets));
        spawn(waiter, std::ref(refuses));
        spawn([&]() -> task<> {
            auto const opens_late = [&]() -> task<> {
                while (refuses.asked() == 0) co_await yield();
                refuses.open();
            };
            co_await shield(opens_late());
        });
        co_await yield();
        REQUIRE(frames.live() == 2);
    });
    REQUIRE(frames.clean());
    REQUIRE(forgets.asked() == 1);
    REQUIRE(refuses.asked() == 1);
    REQUIRE(forgets.broken() + refuses.broken() == 0);
}

// --- what comes late

TEST_CASE("a completion after the end of its run is ignored", "[awaitable]") {
    static gate late(gate::when_cancelled::refuses);
    static gate late_child(gate::when_cancelled::refuses);
    recorder log;
    join_handle<void> left;
    {
#if GREEN_ASAN && __has_include(<sanitizer/lsan_interface.h>)
        // What refuses to end is abandoned: it may be in use.
        __lsan::ScopedDisabler const no_leaks;
#endif
        run(virtual_clock(), [&]() -> task<> {
            left = spawn([&]() -> task<> {
                co_await late.wait();
                log.note("never");
            });
            spawn([&]() -> task<> {
                co_await with_timeout(1h, late_child.wait());
                log.note("never");
            });
            co_await sleep_for(1ms);
        });
    }
    REQUIRE(left.done());
    REQUIRE(left.cancelled());
    REQUIRE_FALSE(left.cancel());
    late_child.open();
    run(virtual_clock(), [&]() -> task<> {
        co_await yield();
        late.open();  // in a later run on the same thread
        co_await sleep_for(1ms);
    });
    REQUIRE(log.text().empty());

    // The limit of what was abandoned is no deadline of a later run.
    green::clock::time_point ended = green::clock::time_point::max();
    struct at_end {
        green::clock::time_point& ended;
        ~at_end() { ended = green::now(); }
    };
    auto const blocked = [&]() -> task<> {
        at_end const end{ended};
        co_await sleep_for(forever);
    };
    REQUIRE_THROWS_AS(run(virtual_clock(), blocked), deadlock_error);
    REQUIRE(ended == green::clock::time_point{});
}

/// One of green's own that cannot begin, as a sleep without memory for its timer.
class cannot_start final : public detail::leaf {
public:
    bool ready() const noexcept { return false; }
    void start() { throw std::runtime_error("no memory"); }
    void result() const noexcept {}
    bool cancel() noexcept override { return false; }
    void describe(std::string& out) const override { out += "nothing"; }
};

GREEN_TEST(
    "a wait that cannot begin throws where it is awaited, and the task goes on", "[awaitable]"
) {
    auto h = spawn([]() -> task<std::string> {
        std::string said;
        try {
            co_await cannot_start();
        } catch (const std::runtime_error& e) {
            said = e.what();
        }
        co_await sleep_for(1ms);
        co_return said;
    });
    std::string const said = co_await h;
    REQUIRE(said == "no memory");
    REQUIRE(elapsed() == 1ms);
}

}  // namespace
