#include "support/green_test.hpp"

#include <green/loop/loop.hpp>
#include <green/loop/sleep.hpp>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

// The tests' own watchdog (support/green_test.hpp), proved on test cases that hang: this executable is
// started again to run them.

namespace {

using namespace green;
using namespace green_test;

GREEN_TEST("hangs in its loop", "[.][hangs]") {
    auto const guard = this_loop().keep_alive();  // else it would be a deadlock
    co_await sleep_for(forever);
}

GREEN_TEST("hangs outside its loop", "[.][hangs]") {
    std::atomic<bool> const never{false};
    while (!never) usleep(1000);
    co_return;
}

TEST_CASE("hangs without a loop", "[.][hangs]") {
    std::atomic<bool> const never{false};
    while (!never) usleep(1000);
}

struct ended {
    int status;
    std::string output;
};

ended run_test_case(const char* name) {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    std::vector<std::string> environment;
    for (char** e = environ; *e; ++e) {
        if (std::string(*e).rfind("GREEN_TEST_TIMEOUT_SCALE=", 0) != 0)
            environment.emplace_back(*e);
    }
    environment.emplace_back("GREEN_TEST_TIMEOUT_SCALE=0.02");
    std::vector<char*> env;
    for (auto& e : environment) env.push_back(e.data());
    env.push_back(nullptr);
    std::string program = "/proc/self/exe";
    std::string filter = name;
    char* argv[] = {program.data(), filter.data(), nullptr};

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    pid_t child = 0;
    int const failed = posix_spawn(&child, program.c_str(), &actions, nullptr, argv, env.data());
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    REQUIRE(failed == 0);

    ended result{};
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
        result.output.append(buffer, static_cast<std::size_t>(n));
    }
    close(ends[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    result.status = WEXITSTATUS(status);
    return result;
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

TEST_CASE("a test that hangs is ended with a dump of its tasks", "[watchdog]") {
    auto const in_loop = run_test_case("hangs in its loop");
    INFO(in_loop.output);
    REQUIRE(in_loop.status == 124);
    REQUIRE(contains(in_loop.output, "'hangs in its loop' has not ended"));
    REQUIRE(contains(in_loop.output, "'main' waits for a sleep without end"));
    REQUIRE(contains(in_loop.output, "watchdog_test.cpp:"));
}

TEST_CASE("a loop that does not answer is dumped all the same", "[watchdog]") {
    auto const outside = run_test_case("hangs outside its loop");
    INFO(outside.output);
    REQUIRE(outside.status == 124);
    REQUIRE(contains(outside.output, "does not answer"));
    REQUIRE(contains(outside.output, "'main' running"));
}

TEST_CASE("a test case without a loop is watched too", "[watchdog]") {
    auto const without = run_test_case("hangs without a loop");
    INFO(without.output);
    REQUIRE(without.status == 124);
    REQUIRE(contains(without.output, "'hangs without a loop' has not ended"));
}

}  // namespace
