#include <green/executor/process.hpp>

#include "executor/process_jobs.hpp"
#include "support/green_test.hpp"
#include "support/sanitizers.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>

using namespace green;
using namespace green_test;

namespace {

int give_back(int status) { return status; }
void note_pids(const std::string& path) {
    shared_numbers const numbers(path);
    numbers[1] = ::getpid();
    numbers[2] = ::getppid();
    numbers[0] = 1;
}
void throw_something() { throw std::runtime_error("it broke"); }
int count_descriptors() {
    // But for the one that is counting.
    return static_cast<int>(open_descriptors()) - 1;
}

}  // namespace

// conformance 93
TEST_CASE("process: exit codes", "[process]") {
    REQUIRE(process::start<give_back>(7).ended().result() == 7);
    REQUIRE(process::start<exit_with>(5).ended().result() == 5);
    process const nothing = process::start<[] {}>();
    REQUIRE(nothing.join());
    REQUIRE(nothing.exit_code() == 0);
    REQUIRE(nothing.join());
    REQUIRE_FALSE(nothing.is_alive());
    nothing.terminate();  // of one that has ended: nothing
    REQUIRE(nothing.exit_code() == 0);
}

// conformance 93
TEST_CASE("process: terminate and kill", "[process]") {
    for (bool const kill : {false, true}) {
        meeting_point begun;
        process const p = process::start<hang>(begun.path());
        begun.wait_for(1);
        REQUIRE(p.is_alive());
        REQUIRE_FALSE(p.exit_code());
        REQUIRE_FALSE(p.join(0s));
        REQUIRE_FALSE(p.join(-1s));
        if (kill) {
            p.kill();
        } else {
            p.terminate();
        }
        REQUIRE(p.join());
        REQUIRE(p.exit_code() == (kill ? -SIGKILL : -SIGTERM));
        wait_until_gone(p.pid());
    }
}

// conformance 94
TEST_CASE("process: close", "[process]") {
    meeting_point begun;
    process p = process::start<hang>(begun.path());
    REQUIRE_THROWS_AS(p.close(), std::logic_error);
    p.kill();
    p.join();
    p.close();
    REQUIRE_THROWS_AS(p.pid(), std::logic_error);
}

TEST_CASE("process: runs in a process of its own", "[process]") {
    shared_numbers const numbers(3);
    process const p = process::start<note_pids>(numbers.path());
    REQUIRE(p.join());
    REQUIRE(numbers[0] == 1);
    REQUIRE(numbers[1] == p.pid());
    REQUIRE(numbers[1] != ::getpid());
    REQUIRE(numbers[2] != ::getpid());
}

// conformance 97
TEST_CASE("process: descriptors of others are not passed on", "[process]") {
    meeting_point begun;
    std::vector<process> others;
    for (int i = 0; i < 3; ++i) others.push_back(process::start<hang>(begun.path()));
    REQUIRE(process::start<count_descriptors>().ended().result() <= 3 + 1);
    for (auto& p : others) p.kill();
    for (auto& p : others) p.join();
}

TEST_CASE("process: its fork server is killed", "[process]") {
    shared_numbers const numbers(3);
    process::start<note_pids>(numbers.path()).join();
    int const server = numbers[2];
    meeting_point begun;
    process const running = process::start<hang>(begun.path());
    begun.wait_for(1);
    ::kill(server, SIGKILL);
    REQUIRE(running.join());
    REQUIRE(running.exit_code() == -SIGKILL);
    process::start<note_pids>(numbers.path()).join();
    REQUIRE(numbers[2] != server);
}

TEST_CASE("process: its fork server is killed before it hears of a start", "[process]") {
    shared_numbers const numbers(3);
    process::start<note_pids>(numbers.path()).join();
    int const server = numbers[2];
    ::kill(server, SIGSTOP);
    std::jthread const killer([server] {
        // The start is on its way, most likely. If it is not, it finds no server: no difference.
        std::this_thread::sleep_for(20ms);
        ::kill(server, SIGKILL);
    });
    REQUIRE(process::start<give_back>(7).ended().result() == 7);
    process::start<note_pids>(numbers.path()).join();
    REQUIRE(numbers[2] != server);
}

GREEN_TEST_REAL_CLOCK("process: awaited on a loop", "[process]") {
    process const p = process::start<give_back>(3);
    int const status = co_await p.ended();
    REQUIRE(status == 3);
}

TEST_CASE("program: throws in a process", "[.program]") {
    process::start<throw_something>().join();
}
TEST_CASE("program: leaves processes behind", "[.program]") {
    meeting_point begun;
    process::start<hang>(process_options{.daemon = true}, begun.path());
    process::start<[] { std::puts("waited for"); }>();
    begun.wait_for(1);
}

TEST_CASE("program: starts a process without descriptors", "[.program]") {
    // Enough for the call and its copy, and for the host itself, but not for a fork server.
    constexpr rlim_t most = 64;
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    rlimit const few{most, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::vector<int> taken;
    for (int fd; (fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
    for (int i = 0; i < 4; ++i) ::close(taken[taken.size() - 1 - static_cast<std::size_t>(i)]);
    for (int i = 0; i < 3; ++i) {
        try {
            process::start<exit_with>(1);
        } catch (const executor_error& e) {
            std::printf("%s\n", e.what());
        }
    }
    ::setrlimit(RLIMIT_NOFILE, &before);
    std::printf("exit code %d\n", process::start<give_back>(7).ended().result());
}

TEST_CASE("process: a fork server that cannot be started", "[process]") {
    if (under_sanitizer) return;  // it needs some itself
    auto const ended = run_program("program: starts a process without descriptors");
    REQUIRE(contains(ended.output, "process: cannot be started: "));
    REQUIRE(contains(ended.output, "exit code 7"));
    REQUIRE(ended.status == 0);
}

TEST_CASE("process: an exception is printed", "[process]") {
    auto const ended = run_program("program: throws in a process");
    REQUIRE(contains(ended.output, ": it broke"));
}

// conformance 96
TEST_CASE("process: daemons are ended with the program, others are waited for", "[process]") {
    auto const ended = run_program("program: leaves processes behind");
    REQUIRE(ended.status == 0);
    REQUIRE(contains(ended.output, "waited for"));
}
