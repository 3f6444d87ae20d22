#include <green/executor/wait.hpp>

#include "support/waits.hpp"

#include <green/executor/as_completed.hpp>
#include <green/executor/promise.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/tasks/as_result.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/when_all.hpp>

#include <atomic>
#include <deque>
#include <thread>
#include <vector>

using namespace green;
using namespace std::chrono_literals;

namespace {

/// So many promises, and their futures.
struct promised {
    explicit promised(std::size_t n) : promises(n) {
        for (auto& p : promises) futures.push_back(p.get_future());
    }
    void fail(std::size_t i) {
        promises[i].set_exception(std::make_exception_ptr(std::out_of_range("far")));
    }
    std::deque<promise<int>> promises;
    std::vector<future<int>> futures;
};

constexpr wait_options first_completed{.return_when = return_when::first_completed};
constexpr wait_options first_exception{.return_when = return_when::first_exception};

/// Spawns the wait, and gives what it ended with: "done not_done".
task<std::string> wait_text(std::vector<future<int>> futures, wait_options options) {
    auto const result = co_await wait(futures, options);
    co_return std::to_string(result.done.size()) + " " + std::to_string(result.not_done.size());
}

/// A wait for three futures, as tests/support/waits.hpp wants it. The virtual clock stands still while
/// a task waits for a future, so those about limits of time are not among them.
struct wait_subject {
    explicit wait_subject(int) {}
    void close() { p = std::make_unique<promised>(1); }
    void open() { p->promises[0].set_value(1); }
    task<> pass() {
        auto const result = co_await wait(p->futures);
        REQUIRE(result.done.size() == 1);
    }
    bool intact() const { return p->futures[0].done(); }

    std::unique_ptr<promised> p = [] {
        auto made = std::make_unique<promised>(1);
        made->promises[0].set_value(1);
        return made;
    }();
};

}  // namespace

GREEN_TEST_REAL_CLOCK("wait: what every awaitable has to pass", "[wait]") {
    using namespace green_test::five;
    co_await ready_at_once<wait_subject>();
    co_await suspends_then_completes<wait_subject>();
    co_await cancelled_before_it_starts<wait_subject>();
    co_await cancelled_while_it_waits<wait_subject>();
}

TEST_CASE("wait: destroyed by the end of run", "[wait]") {
    promised p(2);
    auto const body = [&]() -> task<> {
        spawn(wait_text, p.futures, wait_options{});
        spawn(wait_text, p.futures, wait_options{.timeout = 1h});
        co_await yield();
    };
    run(body);
    p.promises[0].set_value(1);
    p.promises[1].set_value(1);
}

// conformance 105, 106
GREEN_TEST("wait: the first that is done", "[wait]") {
    promised p(3);
    auto const h = spawn(wait_text, p.futures, first_completed);
    co_await yield();
    REQUIRE_FALSE(h.done());
    p.promises[1].set_value(1);
    auto text = co_await h;
    REQUIRE(text == "1 2");
    p.promises[0].set_value(1);
    auto const result = co_await wait(p.futures, first_completed);
    REQUIRE(result.done == std::vector<future<int>>{p.futures[0], p.futures[1]});
    REQUIRE(result.not_done == std::vector<future<int>>{p.futures[2]});
}

// conformance 108, 109
GREEN_TEST("wait: the first that fails, or all", "[wait]") {
    promised p(4);
    auto h = spawn(wait_text, p.futures, first_exception);
    co_await yield();
    p.promises[0].set_value(1);
    p.futures[1].cancel();
    co_await yield();
    REQUIRE_FALSE(h.done());
    p.fail(2);
    auto text = co_await h;
    REQUIRE(text == "3 1");
    text = co_await wait_text(p.futures, first_exception);  // one has failed already
    REQUIRE(text == "3 1");

    promised fine(2);
    h = spawn(wait_text, fine.futures, first_exception);
    co_await yield();
    fine.promises[0].set_value(1);
    co_await yield();
    REQUIRE_FALSE(h.done());
    fine.promises[1].set_value(1);
    text = co_await h;
    REQUIRE(text == "2 0");
    static_cast<void>(p.futures[2].exception());
}

// conformance 104, 110
GREEN_TEST("wait: all of them, each once", "[wait]") {
    promised p(3);
    std::vector<future<int>> twice = p.futures;
    twice.insert(twice.end(), p.futures.begin(), p.futures.end());
    auto const h = spawn(wait_text, twice, wait_options{});
    co_await yield();
    p.promises[0].set_value(1);
    p.futures[1].cancel();
    co_await yield();
    REQUIRE_FALSE(h.done());
    p.fail(2);
    auto const text = co_await h;
    REQUIRE(text == "3 0");
    auto const none = co_await wait(std::vector<future<int>>());
    REQUIRE(none.done.empty());
    REQUIRE_THROWS_AS(wait(std::vector<future<int>>(1)), std::logic_error);
    static_cast<void>(p.futures[2].exception());
}

GREEN_TEST_REAL_CLOCK("wait: in time, and not in time", "[wait]") {
    promised p(2);
    p.promises[0].set_value(1);
    auto text = co_await wait_text(p.futures, {.timeout = 0s});
    REQUIRE(text == "1 1");
    text = co_await wait_text(p.futures, {.timeout = 5ms});
    REQUIRE(text == "1 1");
    text =
        co_await wait_text(p.futures, {.timeout = 1h, .return_when = return_when::first_completed});
    REQUIRE(text == "1 1");
}

// conformance 120
GREEN_TEST("wait: a cancel leaves the futures alone", "[wait]") {
    promised p(2);
    auto h = spawn(wait_text, p.futures, wait_options{});
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE_FALSE(p.futures[0].done());
    p.promises[0].set_value(1);
    REQUIRE(p.futures[0].successful());
}

GREEN_TEST("wait: says what it waits for", "[wait]") {
    promised p(3);
    auto const h = spawn(wait_text, p.futures, wait_options{});
    co_await yield();
    p.promises[0].set_value(1);
    std::string text;
    detail::handle_access::task_of(h).waiting_on()->describe(text);
    REQUIRE(text == "2 of 2 unfinished futures");
    p.promises[1].set_value(1);
    p.promises[2].set_value(1);
    co_await h;
}

TEST_CASE("blocking_wait: the modes and the limit", "[wait]") {
    promised p(3);
    p.promises[2].set_value(1);
    auto result = blocking_wait(p.futures, first_completed);
    REQUIRE(result.done.size() == 1);
    result = blocking_wait(p.futures, {.timeout = 1ms});
    REQUIRE(result.not_done.size() == 2);
    std::thread t([&] {
        p.fail(0);
        p.promises[1].set_value(1);
    });
    result = blocking_wait(p.futures, first_exception);
    REQUIRE(result.done.size() >= 2);
    result = blocking_wait(p.futures);
    REQUIRE(result.done.size() == 3);
    t.join();
    static_cast<void>(p.futures[0].exception());
}

GREEN_TEST("blocking_wait: not on a loop", "[wait]") {
    promised p(1);
    REQUIRE_THROWS_AS(blocking_wait(p.futures), std::logic_error);
    p.promises[0].set_value(1);
    REQUIRE(blocking_wait(p.futures).done.size() == 1);
    co_return;
}

// conformance 113, 104
GREEN_TEST("as_completed: in the order in which they are done", "[as_completed]") {
    promised p(4);
    p.promises[2].set_value(1);
    std::vector<future<int>> given = p.futures;
    given.push_back(p.futures[0]);
    stream<future<int>> s = as_completed(given);
    p.promises[3].set_value(1);
    p.fail(0);
    p.futures[1].cancel();
    for (std::size_t const i : {2U, 3U, 0U, 1U}) {
        auto const f = co_await s.next();
        REQUIRE(*f == p.futures[i]);
    }
    auto const end = co_await s.next();
    REQUIRE_FALSE(end.has_value());
    static_cast<void>(p.futures[0].exception());
}

GREEN_TEST("as_completed: waits for the next", "[as_completed]") {
    promised p(3);
    green_test::recorder log;
    auto const reader = [&]() -> task<> {
        stream<future<int>> s = as_completed(p.futures);
        while (auto f = co_await s.next()) log.note(std::to_string(f->result()));
    };
    auto const h = spawn(reader);
    for (std::size_t const i : {1U, 0U, 2U}) {
        co_await yield();
        p.promises[i].set_value(static_cast<int>(i));
    }
    co_await h;
    REQUIRE(log.text() == "1 0 2");
}

// conformance 114
GREEN_TEST_REAL_CLOCK("as_completed: what is done, then timeout_error", "[as_completed]") {
    for (auto const limit : {0ms, 20ms}) {
        promised p(4);
        p.promises[1].set_value(1);
        p.promises[3].set_value(1);
        stream<future<int>> s = as_completed(p.futures, limit);
        for (std::size_t const i : {1U, 3U}) {
            auto const f = co_await s.next();
            REQUIRE(*f == p.futures[i]);
        }
        std::string error;
        try {
            co_await s.next();
        } catch (const timeout_error& e) {
            error = e.what();
        }
        REQUIRE(error == "2 (of 4) futures unfinished");
        auto const end = co_await s.next();
        REQUIRE_FALSE(end.has_value());
    }
}

// conformance 116, 117
GREEN_TEST("as_completed: keeps nothing of what it gave, and leaves no trace", "[as_completed]") {
    auto const token = std::make_shared<int>(1);
    promise<std::shared_ptr<int>> first;
    promise<std::shared_ptr<int>> second;
    {
        std::vector<future<std::shared_ptr<int>>> fs{first.get_future(), second.get_future()};
        stream<future<std::shared_ptr<int>>> s = as_completed(fs);
        fs.clear();
        first.set_value(token);
        first = {};
        {
            auto const f = co_await s.next();
            REQUIRE(token.use_count() == 2);
        }
        REQUIRE(token.use_count() == 1);
    }
    second.set_value(token);  // a stream that is gone is not told
}

GREEN_TEST_REAL_CLOCK("as_completed: threads finish while readers leave", "[as_completed]") {
    thread_executor pool(2);
    for (int round = 0; round < 200; ++round) {
        std::vector<future<int>> jobs;
        for (int i = 0; i < 10; ++i) jobs.push_back(pool.submit([i] { return i; }));
        stream<future<int>> s = as_completed(jobs);
        for (int i = 0; i < round % 11; ++i) {
            auto const f = co_await s.next();
            REQUIRE(f->done());
        }
    }
}

// --- several futures as one

// conformance 118
GREEN_TEST("as_completed: the first few of many", "[as_completed]") {
    promised p(5);
    for (std::size_t const i : {3U, 1U, 4U}) p.promises[i].set_value(static_cast<int>(i));
    auto const first = co_await as_completed(p.futures).take(2).collect();
    REQUIRE(first.size() == 2);
    for (const auto& f : first) REQUIRE(f.done());
    std::vector<future<int>> const others{p.futures[0], p.futures[2]};
    stream<future<int>> rest = as_completed(others);
    auto const reader = [&]() -> task<std::vector<int>> {
        std::vector<int> order;
        auto const ready = co_await std::move(rest).take(1).collect();
        for (const auto& f : ready) order.push_back(f.result());
        co_return order;
    };
    auto const h = spawn(reader);
    co_await yield();
    p.promises[2].set_value(2);
    auto const order = co_await h;
    REQUIRE(order == std::vector<int>{2});
}

// conformance 121
GREEN_TEST("when_all: futures in argument order, an error leaves the jobs alone", "[future]") {
    promised p(3);
    auto const waits = [&]() -> task<std::vector<int>> {
        auto const [a, b, c] = co_await when_all(p.futures[0], p.futures[1], p.futures[2]);
        std::vector<int> values{a, b, c};
        co_return values;
    };
    auto h = spawn(waits);
    co_await yield();
    for (std::size_t const i : {2U, 0U, 1U}) {
        REQUIRE_FALSE(h.done());
        p.promises[i].set_value(static_cast<int>(i));
    }
    auto const values = co_await h;
    REQUIRE(values == std::vector<int>{0, 1, 2});

    promised q(3);
    auto const fails = [&]() -> task<> {
        co_await when_all(q.futures[0], q.futures[1], q.futures[2]);
    };
    auto failing = spawn(fails);
    co_await yield();
    q.fail(1);
    co_await failing.join();
    REQUIRE_THROWS_AS(failing.result(), std::out_of_range);
    REQUIRE_FALSE(q.futures[0].done());  // not cancelled
    q.promises[0].set_value(7);
    REQUIRE(q.futures[0].result() == 7);

    auto const [first, second] =
        co_await when_all(as_result(q.futures[0]), as_result(q.futures[1]));
    REQUIRE(first.value() == 7);
    REQUIRE_FALSE(second);
    q.promises[2].set_value(0);
}
