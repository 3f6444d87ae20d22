#include <green/loop/run_main.hpp>

#include "support/green_test.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/finally.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

using namespace green;
using namespace green_test;
using namespace std::chrono_literals;

// Each program below is a hidden test case of this executable, run as a process of its own: signals
// and exit statuses belong to processes.

namespace {

/// Ends the process the way `int main` would, without Catch's report.
template <class F>
[[noreturn]] void as_program(F amain) {
    int const status = run_main(amain, 0, nullptr);
    std::fflush(stdout);
    std::_Exit(status);
}

}  // namespace

TEST_CASE("program: status", "[.program]") {
    as_program([]() -> task<int> { co_return 7; });
}
TEST_CASE("program: failure", "[.program]") {
    as_program([]() -> task<> {
        co_await yield();
        throw std::runtime_error("it broke");
    });
}
TEST_CASE("program: interrupted", "[.program]") {
    as_program([]() -> task<> {
        co_await yield();
        std::raise(SIGINT);
        co_await finally_(
            [] { return sleep_for(1h); },
            []() -> task<> {
                co_await sleep_for(1ms);
                std::puts("cleaned up");
            }
        );
        std::puts("not reached");
    });
}
TEST_CASE("program: terminated", "[.program]") {
    as_program([]() -> task<> {
        co_await yield();
        std::raise(SIGTERM);
        co_await sleep_for(1h);
    });
}
TEST_CASE("program: interrupted while computing", "[.program]") {
    as_program([]() -> task<> {
        co_await yield();
        std::raise(SIGINT);
        std::raise(SIGINT);  // the loop has had no turn
        std::puts("not reached");
    });
}
TEST_CASE("program: interrupted while cleaning up", "[.program]") {
    as_program([]() -> task<> {
        co_await yield();
        std::raise(SIGINT);
        co_await finally_(
            [] { return sleep_for(1h); },
            []() -> task<> {
                co_await sleep_for(1ms);
                std::raise(SIGINT);
                std::puts("not reached");
            }
        );
    });
}
TEST_CASE("program: interrupted while yielding", "[.program]") {
    as_program([]() -> task<> {
        co_await yield();
        std::raise(SIGINT);
        for (;;) co_await yield();
    });
}
TEST_CASE("program: interrupted while functions post themselves", "[.program]") {
    as_program([]() -> task<> {
        struct again {
            loop& l;
            void operator()() const { l.post(*this); }
        };
        this_loop().post(again{this_loop()});
        this_loop().post([] { std::raise(SIGINT); });
        co_await sleep_for(1h);
    });
}
TEST_CASE("program: deadlock", "[.program]") {
    as_program([]() -> task<> { co_await sleep_for(forever); });
}

TEST_CASE("run_main: the status is that of main", "[run_main]") {
    ended_process const e = run_program("program: status");
    REQUIRE(e.status == 7);
    REQUIRE(e.output.empty());
}

TEST_CASE("run_main: what escapes is printed and gives 1", "[run_main]") {
    ended_process const e = run_program("program: failure");
    REQUIRE(e.status == 1);
    REQUIRE(e.output == "it broke\n");
}

// conformance 297
TEST_CASE("run_main: SIGINT cancels main, cleanup runs, 130", "[run_main]") {
    ended_process const e = run_program("program: interrupted");
    REQUIRE(e.status == 130);
    REQUIRE(e.output == "cleaned up\n");
}

TEST_CASE("run_main: SIGTERM gives 143", "[run_main]") {
    ended_process const e = run_program("program: terminated");
    REQUIRE(e.status == 143);
    REQUIRE(e.output.empty());
}

// conformance 297
TEST_CASE("run_main: a second SIGINT ends the process at once", "[run_main]") {
    ended_process const busy = run_program("program: interrupted while computing");
    REQUIRE(busy.status == 130);
    REQUIRE(!contains(busy.output, "not reached"));
    ended_process const cleaning = run_program("program: interrupted while cleaning up");
    REQUIRE(cleaning.status == 130);
    REQUIRE(!contains(cleaning.output, "not reached"));
}

// conformance 298
TEST_CASE("run_main: a signal is seen while the ready queue never empties", "[run_main]") {
    ended_process const e = run_program("program: interrupted while yielding");
    REQUIRE(e.status == 130);
}

// conformance 298
TEST_CASE("run_main: a signal is seen among functions that never stop", "[run_main]") {
    ended_process const e = run_program("program: interrupted while functions post themselves");
    REQUIRE(e.status == 130);
}

TEST_CASE("run_main: a deadlock is seen there too", "[run_main]") {
    ended_process const e = run_program("program: deadlock");
    REQUIRE(e.status == 1);
    REQUIRE(e.output.find("deadlock") != std::string::npos);
    REQUIRE(e.output.find("a sleep without end") != std::string::npos);
}

TEST_CASE("run_main: the signal handlers of before are back afterwards", "[run_main]") {
    auto* const before = std::signal(SIGTERM, SIG_IGN);
    int const status = run_main([]() -> task<> { co_await yield(); }, 0, nullptr);
    REQUIRE(status == 0);
    REQUIRE(std::signal(SIGTERM, before) == SIG_IGN);
}
