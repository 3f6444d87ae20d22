#include <green/loop/run.hpp>

#include "support/gate.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/loop_core.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <uv.h>

#include <atomic>
#include <csignal>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace {

using namespace green;
using namespace green_test;

task<int> seven() { co_return 7; }
task<> nothing() { co_return; }
task<int> failing() {
    throw std::runtime_error("main failed");
    co_return 0;
}

TEST_CASE("run gives what main gives", "[run]") {
    REQUIRE(run(seven()) == 7);
    run(nothing());
    REQUIRE_THROWS_WITH(run(failing()), "main failed");
}

TEST_CASE("run takes a callable with arguments and keeps both", "[run]") {
    auto const body = [text = std::string("a long text that is on the heap"
                       )](std::unique_ptr<int> n, int m) -> task<std::string> {
        co_await yield();
        co_return text + std::to_string(*n + m);
    };
    REQUIRE(run(body, std::make_unique<int>(40), 2) == "a long text that is on the heap42");
    REQUIRE(
        run(virtual_clock(), body, std::make_unique<int>(1), 2) ==
        "a long text that is on the heap3"
    );
}

TEST_CASE("a move-only result leaves run", "[run]") {
    auto const p = run([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(5); });
    REQUIRE(*p == 5);
}

TEST_CASE("an empty task cannot be run, and the next run is none the worse", "[run]") {
    task<int> t = seven();
    task<int> const moved = std::move(t);
    REQUIRE_THROWS_AS(run(std::move(t)), std::logic_error);
    REQUIRE(run(seven()) == 7);
}

// conformance 282
TEST_CASE("run inside run is an error", "[run]") {
    run([]() -> task<> {
        REQUIRE_THROWS_AS(run(seven()), std::logic_error);
        co_return;
    });
    REQUIRE(run(seven()) == 7);
}

TEST_CASE("outside of run there is no loop", "[run]") {
    REQUIRE_THROWS_AS(this_loop(), std::logic_error);
    REQUIRE_THROWS_AS(spawn(seven()), std::logic_error);
    REQUIRE_THROWS_WITH(spawn(seven()), Catch::Matchers::Contains("spawn"));
    auto const a = green::now();  // the machine's monotonic clock
    REQUIRE(green::now() >= a);
}

TEST_CASE("runs on several threads do not know of each other", "[run]") {
    std::vector<std::thread> threads;
    std::atomic<int> sum{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&sum] {
            for (int k = 0; k < 20; ++k) {
                sum += run(virtual_clock(), []() -> task<int> {
                    int total = 0;
                    for (int n = 0; n < 10; ++n) {
                        auto h = spawn(seven());
                        co_await sleep_for(1ms);
                        total += co_await h;
                    }
                    co_return total;
                });
            }
        });
    }
    for (auto& t : threads) t.join();
    REQUIRE(sum == 4 * 20 * 70);
}

// rule 6, conformance 285
TEST_CASE("run ends with no task left", "[run]") {
    census frames;
    recorder log;
    run(virtual_clock(), [&]() -> task<> {
        for (int i = 0; i < 10; ++i) {
            spawn([&]() -> task<> {
                tracker const t(frames);
                co_await sleep_for(1h);
                log.note("never");
            });
        }
        co_await sleep_for(1ms);
        REQUIRE(frames.live() == 10);
    });
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
}

TEST_CASE("a task spawned as the last act of main never begins", "[run]") {
    census frames;
    recorder log;
    auto const body = [&](tracker) -> task<> {
        log.note("began");
        co_return;
    };
    run(virtual_clock(), [&]() -> task<> {
        spawn(body, tracker(frames));
        co_return;
    });
    REQUIRE(frames.clean());
    REQUIRE(log.text().empty());
}

// On the real clock: waiting for the sleepers would take an hour.
TEST_CASE("main's end is seen at once, whatever the others wait for", "[run]") {
    census frames;
    auto const before = std::chrono::steady_clock::now();
    for (int i = 0; i < 3; ++i) {
        run([&]() -> task<> {
            spawn([&]() -> task<> {
                tracker const t(frames);
                co_await sleep_for(1h);
            });
            co_await yield();
            co_await yield();
        });
    }
    REQUIRE(std::chrono::steady_clock::now() - before < 2s);
    REQUIRE(frames.clean());
}

TEST_CASE("a main that is cancelled makes run throw cancelled_error", "[run]") {
    census frames;
    auto const body = [&]() -> task<> {
        tracker const t(frames);
        this_loop().post([] {
            detail::scheduler::current()->root().cancel_children({"enough", {}});
        });
        co_await sleep_for(1h);
    };
    REQUIRE_THROWS_AS(run(virtual_clock(), body), cancelled_error);
    REQUIRE(frames.clean());
}

std::set<int> open_files() {
    std::set<int> files;
    for (int fd = 0; fd < 1024; ++fd) {
        if (fcntl(fd, F_GETFD) != -1) files.insert(fd);
    }
    return files;
}

// conformance 284
TEST_CASE("run leaves no descriptor behind", "[run]") {
    run(nothing());
    auto const before = open_files();
    for (int i = 0; i < 10; ++i) run(nothing());
    REQUIRE(open_files() == before);
}

// rule 15, conformance 305
TEST_CASE("the loop's descriptors are closed on exec", "[run]") {
    auto const before = open_files();
    run([&]() -> task<> {
        co_await sleep_for(1ms);
        int own = 0;
        for (int const fd : open_files()) {
            if (before.contains(fd)) continue;
            ++own;
            REQUIRE((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
        }
        REQUIRE(own > 0);
    });
}

// rule 15
TEST_CASE("SIGPIPE does not end the program inside run, and is as before afterwards", "[run]") {
    sigset_t before;
    pthread_sigmask(SIG_SETMASK, nullptr, &before);
    run([]() -> task<> {
        int ends[2];
        REQUIRE(pipe(ends) == 0);
        close(ends[0]);
        REQUIRE(write(ends[1], "x", 1) == -1);
        REQUIRE(errno == EPIPE);
        close(ends[1]);
        co_return;
    });
    sigset_t after;
    pthread_sigmask(SIG_SETMASK, nullptr, &after);
    REQUIRE(sigismember(&after, SIGPIPE) == sigismember(&before, SIGPIPE));
    sigset_t pending;
    sigpending(&pending);
    REQUIRE(sigismember(&pending, SIGPIPE) == 0);
    struct sigaction action{};
    REQUIRE(sigaction(SIGPIPE, nullptr, &action) == 0);
    REQUIRE(action.sa_handler == SIG_DFL);
}

TEST_CASE("pthread_cancel is put off while a loop runs", "[run]") {
    int state = -1;
    run([&]() -> task<> {
        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
        co_return;
    });
    REQUIRE(state == PTHREAD_CANCEL_DISABLE);
    int type = -1;
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &type);
    REQUIRE(state == PTHREAD_CANCEL_ENABLE);
    REQUIRE(type == PTHREAD_CANCEL_DEFERRED);
}

// rule 15, conformance 300
TEST_CASE("run installs no handler for SIGCHLD", "[run]") {
    run([]() -> task<> {
        struct sigaction action{};
        REQUIRE(sigaction(SIGCHLD, nullptr, &action) == 0);
        REQUIRE(action.sa_handler == SIG_DFL);
        co_return;
    });
}

/// Resumes from a timer of libuv's own.
struct native_timer {
    uv_timer_t& timer;

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> h) {
        uv_timer_init(detail::loop_core::require("test").native(), &timer);
        timer.data = h.address();
        auto const resume = [](uv_timer_t* t) {
            std::coroutine_handle<>::from_address(t->data).resume();
        };
        uv_timer_start(&timer, resume, 0, 0);
    }
    void await_resume() const noexcept {}
};

// libuv 1.44 calls its timers first and then polls, with nothing left to wait for.
TEST_CASE("the loop does not wait when a callback before the poll makes a task ready", "[run]") {
    uv_timer_t timer;  // closed by the loop
    run([&]() -> task<> { co_await native_timer{timer}; });
}

// conformance 313
TEST_CASE("a handle may outlive the run", "[run]") {
    join_handle<int> done;
    join_handle<int> stopped;
    join_handle<int> failed;
    run(virtual_clock(), [&]() -> task<> {
        done = spawn(seven());
        stopped = spawn([]() -> task<int> {
            co_await sleep_for(1h);
            co_return 1;
        });
        failed = spawn(failing());
        co_await failed.join();
    });
    REQUIRE(done.result() == 7);
    REQUIRE(stopped.done());
    REQUIRE(stopped.cancelled());
    REQUIRE_FALSE(stopped.cancel());
    REQUIRE_THROWS_AS(stopped.result(), cancelled_error);
    REQUIRE_THROWS_WITH(failed.result(), "main failed");
}

}  // namespace
