#include <green/executor/sandbox.hpp>

#include "support/catch.hpp"

#include <green/executor/process_executor.hpp>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace green;

namespace {

/// 0, or why a call failed.
int error_of(long result) { return result < 0 ? errno : 0; }

int open_for_reading(const std::string& path) { return error_of(::open(path.c_str(), O_RDONLY)); }
int open_for_writing(const std::string& path) {
    return error_of(::open(path.c_str(), O_WRONLY | O_CREAT, 0600));
}
int make_directory(const std::string& path) { return error_of(::mkdir(path.c_str(), 0700)); }
int make_socket(int family) { return error_of(::socket(family, SOCK_STREAM, 0)); }
int fork_itself() {
    auto const pid = ::fork();
    if (pid == 0) ::_exit(0);
    return error_of(pid);
}
int start_program() {
    char name[] = "/bin/true";
    char* const words[] = {name, nullptr};
    return ::posix_spawn(nullptr, name, nullptr, nullptr, words, words);
}
int signal_process(int pid) { return error_of(::kill(pid, 0)); }

/// What a computation needs: memory in pieces of all sizes, threads, exceptions.
std::size_t compute(const std::vector<int>& sizes) {
    std::vector<std::unique_ptr<std::string>> all;
    std::thread worker([&] {
        for (int const n : sizes) all.push_back(std::make_unique<std::string>(n, 'x'));
    });
    worker.join();
    std::size_t sum = 0;
    for (const auto& text : all) sum += text->size();
    return sum;
}

}  // namespace

TEST_CASE("sandbox: a job in it can open nothing", "[sandbox]") {
    if (!sandbox_available()) return;
    process_executor pool({.max_workers = 1, .initializer = enter_sandbox});
    auto const run = [&](auto f, auto... args) { return pool.submit(f, args...).result(); };

    REQUIRE(run(open_for_reading, "/etc/passwd") == EPERM);
    REQUIRE(run(open_for_reading, "/proc/self/mem") == EPERM);
    REQUIRE(run(open_for_writing, "/tmp/green-sandbox") == EPERM);
    REQUIRE(run(make_directory, "/tmp/green-sandbox") == EPERM);
    for (int const family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK}) {
        REQUIRE(run(make_socket, family) == EPERM);
    }
    REQUIRE(run(fork_itself) == EPERM);
    REQUIRE(run(start_program) != 0);
    REQUIRE(run(signal_process, ::getpid()) == EPERM);
    REQUIRE(open_for_reading("/etc/passwd") == 0);  // this process is as it was
}

TEST_CASE("sandbox: a job in it computes as it would outside", "[sandbox]") {
    if (!sandbox_available()) return;
    process_executor pool({.max_workers = 1, .initializer = enter_sandbox});
    REQUIRE(
        pool.submit(compute, std::vector<int>{1, 1000, 1'000'000, 50'000'000}).result() ==
        51'001'001
    );
    REQUIRE_THROWS_AS(
        pool.submit([] { throw std::out_of_range("no"); }).result(), std::out_of_range
    );
    // It may end itself, and the worker is replaced, in the sandbox too.
    REQUIRE_THROWS_AS(pool.submit([] { std::abort(); }).result(), worker_died);
    REQUIRE(pool.submit(make_socket, AF_INET).result() == EPERM);
}

TEST_CASE("sandbox: without libseccomp it is refused", "[sandbox]") {
    if (!sandbox_available()) REQUIRE_THROWS_AS(enter_sandbox(), executor_error);
}
