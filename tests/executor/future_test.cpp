#include "support/green_test.hpp"
#include "support/standard_error.hpp"
#include "support/text.hpp"
#include "support/waits.hpp"

#include <green/core/errors.hpp>
#include <green/executor/promise.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <atomic>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using namespace green;
using namespace std::chrono_literals;

// conformance 1
TEST_CASE("future: cancel of a pending one, callbacks run before it returns", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    std::string order;
    f.add_done_callback([&](const future<int>& me) { order += me.cancelled() ? "c" : "?"; });
    REQUIRE(f.cancel());
    order += "r";
    REQUIRE(order == "cr");
    REQUIRE(f.cancelled());
    REQUIRE(f.done());
    REQUIRE_FALSE(p.set_running());
    REQUIRE(f.cancel());  // still cancelled
}

// conformance 2, 6
TEST_CASE("future: cancel of a running or finished one changes nothing", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    REQUIRE_FALSE(f.running());
    REQUIRE(p.set_running());
    REQUIRE(f.running());
    REQUIRE_FALSE(f.cancel());
    p.set_value(3);
    REQUIRE_FALSE(f.running());
    REQUIRE_FALSE(f.cancel());
    REQUIRE(f.result() == 3);
}

// conformance 4, 5, 9, 12
TEST_CASE("future: an exception is kept and thrown as often as asked", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    REQUIRE_FALSE(f.done());
    p.set_exception(std::make_exception_ptr(std::out_of_range("far")));
    REQUIRE(f.done());
    REQUIRE_FALSE(f.cancelled());
    REQUIRE_THROWS_AS(f.result(), std::out_of_range);
    REQUIRE_THROWS_AS(f.result(), std::out_of_range);
    REQUIRE(f.exception() != nullptr);
}

// conformance 8, 12
TEST_CASE("future: results of unfinished and cancelled ones", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    REQUIRE_THROWS_AS(f.result(0s), timeout_error);
    REQUIRE_THROWS_AS(f.exception(0s), timeout_error);
    REQUIRE(green_test::error_of<timeout_error>([&] {
                f.exception(1ms);
            }) == "future: a future was not done within 1 ms");
    REQUIRE_FALSE(f.try_result_for(1ms).has_value());
    f.cancel();
    REQUIRE_THROWS_AS(f.result(), cancelled_error);
    REQUIRE_THROWS_AS(f.exception(), cancelled_error);
    REQUIRE_THROWS_AS(f.exception(0s), cancelled_error);
    promise<int> kept;
    kept.set_value(1);
    REQUIRE(kept.get_future().exception() == nullptr);
    REQUIRE(kept.get_future().exception(0s) == nullptr);
}

// conformance 10, 13
TEST_CASE("future: a blocked result wakes when the value is there", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    std::thread t([&] { p.set_value(8); });
    REQUIRE(f.result(1h) == 8);
    REQUIRE(f.try_result_for(0s) == 8);
    t.join();
    promise<int> failing;
    future<int> failed = failing.get_future();
    t = std::thread([&] {
        failing.set_exception(std::make_exception_ptr(std::out_of_range("far")));
    });
    REQUIRE(failed.exception(1h) != nullptr);
    t.join();
}

TEST_CASE("future: threads and tasks wait for one future together", "[future]") {
    promise<int> p;
    future<int> const f = p.get_future();
    std::atomic<int> about_to_wait{0};
    std::atomic<int> sum{0};
    std::atomic<int> successes{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            ++about_to_wait;
            sum += f.result();
        });
    }
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            ++about_to_wait;
            successes += f.exception() == nullptr;
        });
    }
    threads.emplace_back([&] {
        auto const waits = [&]() -> task<> {
            ++about_to_wait;
            int const n = co_await f;
            sum += n;
        };
        auto const body = [&]() -> task<> {
            auto const first = spawn(waits);
            auto const second = spawn(waits);
            co_await first;
            co_await second;
        };
        run(body);
    });
    while (about_to_wait < 8) std::this_thread::yield();
    p.set_value(7);
    for (auto& t : threads) t.join();
    REQUIRE(sum == 6 * 7);
    REQUIRE(successes == 2);
}

// conformance 14
TEST_CASE("future: a second outcome is refused, the first stays", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    p.set_value(1);
    REQUIRE_THROWS_AS(p.set_value(2), std::logic_error);
    REQUIRE_THROWS_AS(p.set_exception(std::make_exception_ptr(1)), std::logic_error);
    REQUIRE(f.result() == 1);
}

// conformance 16, 17, 18
TEST_CASE(
    "future: callbacks run in order, each once, also late ones and after one that throws",
    "[future]"
) {
    promise<int> p;
    future<int> f = p.get_future();
    std::string order;
    for (char c : {'a', 'b', 'c'}) {
        f.add_done_callback([&order, c](const future<int>&) {
            order += c;
            if (c == 'b') throw std::runtime_error("reported");
        });
    }
    std::string const report = green_test::stderr_of([&] { p.set_value(1); });
    REQUIRE(order == "abc");
    REQUIRE(green_test::contains(report, "failed: reported\n"));
    f.add_done_callback([&order](const future<int>& me) { order += std::to_string(me.result()); });
    REQUIRE(order == "abc1");
}

// conformance 17
TEST_CASE("future: a callback of one that has failed or was cancelled runs at once", "[future]") {
    promise<int> failing;
    failing.set_exception(std::make_exception_ptr(std::out_of_range("far")));
    promise<int> dropped;
    dropped.get_future().cancel();
    std::string order;
    failing.get_future().add_done_callback([&order](const future<int>& me) {
        order += me.describe();
    });
    REQUIRE(order == "finished raised std::out_of_range");
    dropped.get_future().add_done_callback([&order](const future<int>& me) {
        order += ", " + me.describe();
    });
    REQUIRE(order == "finished raised std::out_of_range, cancelled");
    static_cast<void>(failing.get_future().exception());
}

TEST_CASE("future: a promise that is dropped gives closed_error", "[future]") {
    future<int> f;
    REQUIRE_THROWS_AS(f.done(), std::logic_error);  // of nothing
    {
        promise<int> p;
        f = p.get_future();
    }
    REQUIRE_THROWS_AS(f.result(), closed_error);
}

// conformance 24
GREEN_TEST("future: many tasks await one future and resume in order", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    green_test::recorder log;
    std::vector<join_handle<void>> waiters;
    for (char c : {'1', '2', '3'}) {
        waiters.push_back(spawn([&log, f, c]() -> task<> {
            int const n = co_await f;
            log.note(std::string(1, c) + std::to_string(n));
        }));
    }
    co_await yield();
    p.set_value(9);
    for (auto& w : waiters) co_await w;
    REQUIRE(log.text() == "19 29 39");
}

GREEN_TEST("future: ready at once", "[future]") {
    promise<std::string> p;
    p.set_value("x");
    std::string const s = co_await p.get_future();
    REQUIRE(s == "x");
}

// conformance 25
GREEN_TEST("future: cancelling one waiter leaves the future and the others alone", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    auto wait = [f]() -> task<int> { co_return co_await f; };
    auto a = spawn(wait);
    auto b = spawn(wait);
    co_await yield();
    a.cancel();
    co_await a.join();
    REQUIRE(a.cancelled());
    REQUIRE_FALSE(f.done());
    p.set_value(4);
    int const n = co_await b;
    REQUIRE(n == 4);
}

GREEN_TEST("future: done and cancelled in one turn, the result wins", "[future]") {
    promise<int> p;
    auto a = spawn([f = p.get_future()]() -> task<int> { co_return co_await f; });
    co_await yield();
    p.set_value(4);
    a.cancel();
    co_await a.join();
    REQUIRE(a.value() == 4);
}

GREEN_TEST("future: cancelled before the wait begins", "[future]") {
    promise<int> p;
    p.set_value(1);
    auto a = spawn([f = p.get_future()]() -> task<int> {
        co_await yield();
        co_return co_await f;  // ready, but the cancel comes first
    });
    co_await yield();
    a.cancel();
    co_await a.join();
    REQUIRE(a.cancelled());
}

GREEN_TEST("future: awaiting a cancelled one", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    auto a = spawn([f]() -> task<int> { co_return co_await f; });
    co_await yield();
    f.cancel();
    co_await a.join();
    REQUIRE_THROWS_AS(a.result(), cancelled_error);
    REQUIRE_FALSE(a.cancelled());  // the job was, not the task
}

GREEN_TEST("future: result() would stop the loop, so it throws there", "[future]") {
    promise<int> p;
    future<int> f = p.get_future();
    REQUIRE_THROWS_AS(f.result(), std::logic_error);
    REQUIRE_THROWS_AS(f.result(1s), std::logic_error);
    p.set_value(1);
    REQUIRE(f.result() == 1);
    co_return;
}

TEST_CASE("future: a run ends while a task waits", "[future]") {
    promise<int> p;
    run([&]() -> task<> {
        spawn([f = p.get_future()]() -> task<> { co_await f; });
        co_await yield();
    });
    p.set_value(1);
}

GREEN_TEST_REAL_CLOCK(
    "future: threads finish futures while their waiters are cancelled", "[future]"
) {
    for (int i = 0; i < 300; ++i) {
        promise<int> p;
        auto a = spawn([f = p.get_future()]() -> task<int> { co_return co_await f; });
        co_await yield();
        std::thread t([&p] { p.set_value(1); });
        a.cancel();
        co_await a.join();
        t.join();
        REQUIRE((a.cancelled() || a.value() == 1));
    }
}

namespace {

/// How often this thread has called write.
long writes_of_this_thread() {
    std::ifstream io("/proc/thread-self/io");
    long n = 0;
    for (std::string word; io >> word;) {
        if (word == "syscw:") io >> n;
    }
    return n;
}

}  // namespace

TEST_CASE("future: a thousand that end while the loop is busy do not wake it", "[future]") {
    constexpr int many = 1000;
    std::vector<promise<int>> promises(many);
    std::atomic<int> resumed{0};
    long writes = 0;
    int const null = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    auto const waits = [&](int i) -> task<> {
        resumed += co_await promises[static_cast<std::size_t>(i)].get_future();
    };
    auto const body = [&]() -> task<> {
        std::vector<join_handle<void>> waiters;
        for (int i = 0; i < many; ++i) waiters.push_back(spawn(waits, i));
        co_await yield();
        std::thread([&] {
            long const before = writes_of_this_thread();
            for (auto& p : promises) p.set_value(1);
            static_cast<void>(::write(null, "x", 1));  // so that there is something to count
            writes = writes_of_this_thread() - before;
        }).join();  // the loop is busy with that
        for (auto& w : waiters) co_await w;
    };
    run(green_test::real_clock(), body);
    REQUIRE(resumed == many);
    ::close(null);
    REQUIRE(writes >= 1);
    REQUIRE(writes < 10);  // uv_async_send would have written to an eventfd; a sanitizer may, too
}
