#include "support/green_test.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/debug/trace.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/join_handle.hpp>
#include <green/tasks/spawn.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

// Conformance 302, 304. A fork belongs in a process of its own: hidden test cases.

namespace {

using namespace green;
using namespace green_test;

void say(const char* line) {
    std::fputs(line, stdout);
    std::fflush(stdout);
}

int status_of(pid_t child) {
    int status = 0;
    if (::waitpid(child, &status, 0) != child) return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

task<> says(const char* line) {
    say(line);
    co_return;
}

/// Forks in a task that is not alone; what the child does there is `child()`.
template <class F>
void fork_among_tasks(F child) {
    run([&]() -> task<> {
        auto const sleeper = spawn([]() -> task<> {
            co_await sleep_for(1ms);
            say("sleeper\n");
        });
        co_await yield();
        auto const forks = [&]() -> task<> {
            pid_t const pid = ::fork();
            if (pid == 0) {
                child();
                co_await yield();
                say("the child goes on\n");
                co_return;
            }
            std::printf("child ended with %d\n", status_of(pid));
            std::fflush(stdout);
        };
        auto const forking = spawn(forks);
        spawn(says("unstarted\n"));
        co_await forking;
        co_await sleeper;
        say("main\n");
    });
    std::_Exit(0);
}

run_options unwatched() {
    run_options options;
    options.stall_threshold = 0s;  // ThreadSanitizer forbids threads after a fork
    return options;
}

}  // namespace

TEST_CASE("program: a child of a fork ends itself", "[.program]") {
    fork_among_tasks([] { ::_exit(0); });
}
TEST_CASE("program: a child of a fork comes back", "[.program]") {
    fork_among_tasks([] {});
}
TEST_CASE("program: a child of a fork throws", "[.program]") {
    fork_among_tasks([] { throw std::runtime_error("in the child"); });
}
TEST_CASE("program: a child of a fork runs a loop", "[.program]") {
    fork_among_tasks([] {
        int const answer = run(unwatched(), []() -> task<int> {
            auto const h = spawn([]() -> task<int> {
                co_await sleep_for(2ms);
                co_return 40;
            });
            int const most = co_await h;
            co_return most + 2;
        });
        run(says("again\n"), unwatched());
        ::_exit(answer);
    });
}
TEST_CASE("program: forks while other threads hold locks", "[.program]") {
    scratch_directory const dir;
    trace_session trace(dir.file("trace.json"));
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            run_options watched;
            watched.stall_threshold = 4ms;
            while (!over) {
                std::thread([&] { run(watched, []() -> task<> { co_await yield(); }); }).join();
            }
        });
    }
    int bad = 0;
    for (int i = 0; i < 50; ++i) {
        pid_t const child = ::fork();
        if (child == 0) {
            ::alarm(10);
            ::_exit(run(unwatched(), []() -> task<int> {
                co_await sleep_for(1ms);
                co_return 42;
            }));
        }
        if (status_of(child) != 42) ++bad;
    }
    over = true;
    for (auto& t : threads) t.join();
    trace.close();
    std::printf("%d bad\n", bad);
    std::fflush(stdout);
    std::_Exit(0);
}

// conformance 302
TEST_CASE("fork in a task: a child that ends itself leaves the parent alone", "[fork]") {
    auto const e = run_program("program: a child of a fork ends itself");
    REQUIRE(e.output == "child ended with 0\nunstarted\nsleeper\nmain\n");
    REQUIRE(e.status == 0);
}

// conformance 302
TEST_CASE("fork in a task: no task goes on in the child; it is told and ended", "[fork]") {
    for (const char* how : {"comes back", "throws"}) {
        auto const e = run_program(std::string("program: a child of a fork ") + how);
        INFO(e.output);
        REQUIRE(contains(
            e.output, "green: the child of a fork came back to the event loop of its parent. "
        ));
        REQUIRE(contains(e.output, "\nchild ended with 1\nunstarted\nsleeper\nmain\n"));
        REQUIRE_FALSE(contains(e.output, "the child goes on"));
        REQUIRE(e.status == 0);
    }
}

TEST_CASE("fork in a task: the child may run a loop of its own", "[fork]") {
    auto const e = run_program("program: a child of a fork runs a loop");
    REQUIRE(e.output == "again\nchild ended with 42\nunstarted\nsleeper\nmain\n");
    REQUIRE(e.status == 0);
}

// conformance 304
TEST_CASE("green's locks are usable in the child, whoever held them", "[fork]") {
    auto const e = run_program("program: forks while other threads hold locks");
    INFO(e.output);
    REQUIRE(contains(e.output, "0 bad\n"));
}
