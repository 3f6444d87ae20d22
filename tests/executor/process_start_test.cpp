#include "executor/process_jobs.hpp"
#include "support/sanitizers.hpp"
#include "support/subprocess.hpp"

#include <green/executor/process.hpp>
#include <green/executor/process_queue.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

// Workers and processes that begin, and an application that ends, under odd circumstances.

namespace {

/// `count` descriptors more at most, for as long as this lives.
class few_descriptors {
public:
    explicit few_descriptors(rlim_t count) {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        std::vector<int> free;
        for (rlim_t i = 0; i < count; ++i) free.push_back(::dup(STDIN_FILENO));
        for (int const fd : free) ::close(fd);
        rlimit const few{static_cast<rlim_t>(free.back()) + 1, before_.rlim_max};
        ::setrlimit(RLIMIT_NOFILE, &few);
    }
    ~few_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
    few_descriptors(const few_descriptors&) = delete;
    few_descriptors& operator=(const few_descriptors&) = delete;

private:
    rlimit before_{};
};

/// Long enough to be ended by a signal.
int nap() { return ::poll(nullptr, 0, 5000); }

std::string file_of(int fd) {
    std::error_code failed;
    auto const path = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(fd), failed);
    return failed ? "none" : path.string();
}
std::string files_of_streams(bool of_parent) {
    if (!of_parent) return file_of(STDOUT_FILENO) + " " + file_of(STDERR_FILENO);
    std::string const fds = "/proc/" + std::to_string(::getppid()) + "/fd/";
    std::error_code failed;
    return std::filesystem::read_symlink(fds + "1", failed).string() + " " +
        std::filesystem::read_symlink(fds + "2", failed).string();
}

}  // namespace

TEST_CASE(
    "process_executor: jobs of a pool that has no descriptors for a worker", "[process_executor]"
) {
    process_executor pool(1);
    few_descriptors const limit(3);  // the manager takes two
    REQUIRE_THROWS_AS(pool.submit(square, 1).result(), broken_executor);
    REQUIRE_THROWS_AS(pool.submit(square, 2), broken_executor);
}

TEST_CASE("process: no descriptors for its call", "[process]") {
    if (under_address_sanitizer) return;  // it needs some to look at an exception
    process::start<nap>(process_options{.daemon = true}).kill();
    for (rlim_t const left : {rlim_t{1}, rlim_t{2}}) {
        few_descriptors const limit(left);
        std::vector<int> taken(left - 1, ::dup(STDIN_FILENO));
        REQUIRE_THROWS_AS(process::start<nap>(), executor_error);
        for (int const fd : taken) ::close(fd);
    }
}

TEST_CASE("process: a SIGTERM just after the start", "[process]") {
    for (int i = 0; i < 60; ++i) {
        process p = process::start<nap>();
        p.terminate();
        p.join();
        REQUIRE(*p.exit_code() == -SIGTERM);
    }
}

TEST_CASE("process_executor: one that is a global variable", "[process_executor]") {
    REQUIRE(run_process({beside_this("global_executor")}).output == "49\n");
}

TEST_CASE("program: it was root", "[.program]") {
    process_executor pool(1);
    pool.warm().result();
    process_queue<int> q;
    if (::setuid(65534) != 0) ::_exit(1);
    pool.submit([](process_queue<int> queue) { queue.put(1); }, q).result();
    std::printf("%d", q.try_get().value_or(0));
    std::fflush(stdout);
}

TEST_CASE("process_queue: a worker that is root's still", "[process_queue]") {
    if (::geteuid() != 0) return;  // it cannot be tried
    REQUIRE(run_program("program: it was root").output == "1");
}

TEST_CASE("program: its streams are closed", "[.program]") {
    ::close(STDOUT_FILENO);
    ::close(STDERR_FILENO);
    std::string const none = "/dev/null /dev/null";
    for (start_method const method : {start_method::fork, start_method::exec}) {
        process_executor_options options;
        options.max_workers = 1;
        options.method = method;
        process_executor pool(options);
        if (pool.submit(files_of_streams, false).result() != none) ::_exit(1);
        if (pool.submit(files_of_streams, true).result() != none) ::_exit(2);
    }
    ::_exit(5);
}

TEST_CASE(
    "process_executor: stdout and stderr of an application that has none", "[process_executor]"
) {
    REQUIRE(run_program("program: its streams are closed").status == 5);
}
