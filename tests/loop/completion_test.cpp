#include <green/loop/completion.hpp>

#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace green;
using namespace std::chrono_literals;
using green_test::elapsed;

namespace {

/// A callback interface: keeps the resolver until the test calls it.
template <class T>
struct operation {
    std::optional<completion_resolver<T>> resolve;
    int stops = 0;
    bool will_call_back = false;

    task<T> wait() {
        co_return co_await completion<T>([this](auto r) {
            resolve = std::move(r);
            return [this] {
                ++stops;
                return !will_call_back;
            };
        });
    }
};

}  // namespace

GREEN_TEST("completion: resolved inside the initiator", "[completion]") {
    int const n = co_await completion<int>([](auto resolve) { resolve(7); });
    REQUIRE(n == 7);
    co_await completion([](auto resolve) { resolve(); });
    REQUIRE(elapsed() == 0ms);
}

GREEN_TEST("completion: resolved later, from the loop", "[completion]") {
    operation<int> op;
    auto h = spawn(op.wait());
    co_await sleep_for(5ms);
    (*op.resolve)(3);
    (*op.resolve)(4);  // the first counts
    int const n = co_await h;
    REQUIRE(n == 3);
    REQUIRE(elapsed() == 5ms);
}

GREEN_TEST("completion: an error, from the resolver or the initiator", "[completion]") {
    operation<int> op;
    auto h = spawn(op.wait());
    co_await yield();
    op.resolve->fail(std::make_exception_ptr(std::runtime_error("no")));
    co_await h.join();
    REQUIRE_THROWS_WITH(h.result(), "no");

    auto thrown = spawn([]() -> task<> {
        co_await completion<int>([](const completion_resolver<int>&) {
            throw std::logic_error("bad");
        });
    });
    co_await thrown.join();
    REQUIRE_THROWS_WITH(thrown.result(), "bad");
}

GREEN_TEST("completion: cancelled before it starts, the initiator is not called", "[completion]") {
    bool called = false;
    auto h = spawn([&]() -> task<> {
        co_await yield();
        co_await completion([&](auto) { called = true; });
    });
    co_await yield();  // it has begun and waits for its turn
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE_FALSE(called);
}

GREEN_TEST("completion: cancelled while it waits, and the callback will not come", "[completion]") {
    operation<int> op;
    auto h = spawn(op.wait());
    co_await yield();
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(op.stops == 1);
    (*op.resolve)(1);  // too late: nobody is there
}

GREEN_TEST("completion: cancelled while it waits, and the callback comes", "[completion]") {
    operation<int> op;
    op.will_call_back = true;
    auto h = spawn(op.wait());
    co_await yield();
    h.cancel();
    co_await sleep_for(1ms);
    REQUIRE_FALSE(h.done());  // in flight: the frames stay
    op.resolve->cancelled();
    co_await h.join();
    REQUIRE(h.cancelled());

    operation<int> late;
    late.will_call_back = true;
    auto wins = spawn(late.wait());
    co_await yield();
    wins.cancel();
    (*late.resolve)(9);  // a result after all
    co_await wins.join();
    REQUIRE(wins.value() == 9);
}

GREEN_TEST("completion: resolved and cancelled in one turn, the result wins", "[completion]") {
    operation<int> op;
    auto h = spawn(op.wait());
    co_await yield();
    (*op.resolve)(5);
    h.cancel();
    co_await h.join();
    REQUIRE(h.value() == 5);
    REQUIRE(op.stops == 0);
}

GREEN_TEST("completion: stopped without a cancel is cancelled_error", "[completion]") {
    operation<int> op;
    auto h = spawn(op.wait());
    co_await yield();
    op.resolve->cancelled();
    co_await h.join();
    REQUIRE_FALSE(h.cancelled());
    REQUIRE_THROWS_AS(h.result(), cancelled_error);
}

GREEN_TEST("completion: without a stop function a cancel waits", "[completion]") {
    std::optional<completion_resolver<int>> kept;
    auto h = spawn([&]() -> task<int> {
        co_return co_await completion<int>([&](auto r) { kept = std::move(r); });
    });
    co_await yield();
    h.cancel();
    co_await sleep_for(10ms);
    REQUIRE_FALSE(h.done());
    (*kept)(2);
    co_await h.join();
    REQUIRE(h.value() == 2);
}

GREEN_TEST(
    "completion: a callback that is dropped is an error, not a wait for ever", "[completion]"
) {
    auto h = spawn([]() -> task<int> { co_return co_await completion<int>([](auto) {}); });
    co_await h.join();
    REQUIRE_THROWS_AS(h.result(), closed_error);
}

GREEN_TEST("completion: a timeout, and a result that comes after it", "[completion]") {
    operation<int> op;
    auto const r = co_await move_on_after(20ms, op.wait());
    REQUIRE_FALSE(r.has_value());
    REQUIRE(elapsed() == 20ms);
    (*op.resolve)(1);
    op.resolve.reset();
}

GREEN_TEST_REAL_CLOCK("completion: resolved by other threads", "[completion]") {
    std::vector<std::thread> threads;
    std::vector<join_handle<int>> handles;
    for (int i = 0; i < 50; ++i) {
        handles.push_back(spawn([&threads, i]() -> task<int> {
            co_return co_await completion<int>([&](auto resolve) {
                threads.emplace_back([resolve, i] { resolve(i); });
            });
        }));
    }
    int sum = 0;
    for (auto& h : handles) {
        int const n = co_await h;
        sum += n;
    }
    for (auto& t : threads) t.join();
    REQUIRE(sum == 49 * 50 / 2);
}

GREEN_TEST_REAL_CLOCK("completion: a thread resolves while the task is cancelled", "[completion]") {
    // One of the two wins; never both, never neither.
    for (int i = 0; i < 200; ++i) {
        std::thread t;
        auto h = spawn([&t]() -> task<int> {
            co_return co_await completion<int>([&](auto resolve) {
                t = std::thread([resolve] { resolve(1); });
                return [] {};
            });
        });
        co_await yield();
        h.cancel();
        co_await h.join();
        t.join();
        REQUIRE((h.cancelled() || h.value() == 1));
    }
}

TEST_CASE("completion: a resolver outlives its loop", "[completion]") {
    std::optional<completion_resolver<int>> kept;
    run([&]() -> task<> {
        spawn([&]() -> task<> {
            co_await completion<int>([&](auto r) {
                kept = std::move(r);
                return [] {};
            });
        });
        co_await yield();
    });
    (*kept)(1);
    std::thread([&] { (*kept)(2); }).join();
}
