#include "executor/process_jobs.hpp"
#include "support/sanitizers.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/executor/process.hpp>
#include <green/executor/process_queue.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

int put_one(process_queue<int> q) {
    q.put(1);
    return 0;
}

/// By any epoll of this process.
std::size_t watched_descriptors() {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo")) {
        std::ifstream info(entry.path());
        for (std::string line; std::getline(info, line);) count += line.starts_with("tfd:");
    }
    return count;
}

/// What a copy of this process ends with when it exits; -1 if it had to be killed.
int exit_of_copy() {
    pid_t const copy = ::fork();
    if (copy == 0) std::exit(7);  // NOLINT(concurrency-mt-unsafe)
    int status = 0;
    pid_t gone = 0;
    for (int i = 0; gone == 0 && i < 1000; ++i) {
        gone = ::waitpid(copy, &status, WNOHANG);
        if (gone == 0) std::this_thread::sleep_for(10ms);
    }
    if (gone == copy) return WEXITSTATUS(status);
    ::kill(copy, SIGKILL);
    ::waitpid(copy, &status, 0);
    return -1;
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

TEST_CASE("program: a copy of it exits", "[.program]") {
    meeting_point gate;
    static process_executor pool(1);
    static process const p = process::start<pass_gate>(gate.path(), 0);
    pool.submit(square, 1).result();
    gate.wait_for(1);
    int const copy = exit_of_copy();
    gate.value() = 1000;
    p.join();
    std::printf("%d %d %d", copy, *p.exit_code(), pool.submit(square, 3).result());
    std::fflush(stdout);
}

TEST_CASE("process: a forked copy of the application exits", "[process]") {
    // LeakSanitizer, too, has something to say of a copy without its threads.
    REQUIRE(contains(run_program("program: a copy of it exits").output, "7 0 9"));
}

TEST_CASE("program: a copy of it exits while its queue is used", "[.program]") {
    static process_queue<int> q;
    process::start<put_one>(q).join();
    int const copy = exit_of_copy();
    process::start<put_one>(q).join();
    std::printf("%d %d %d", copy, q.try_get().value_or(0), q.try_get().value_or(0));
    std::fflush(stdout);
}

TEST_CASE("process_queue: a forked copy of its owner exits", "[process_queue]") {
    auto const end = run_program("program: a copy of it exits while its queue is used");
    REQUIRE(contains(end.output, "7 1 1"));
}

TEST_CASE("program: a copy of it starts and queues", "[.program]") {
    process_queue<int> of_parent;
    process::start<put_one>(of_parent).join();
    pid_t const copy = ::fork();
    if (copy == 0) {
        process_queue<int> q;
        process p = process::start<put_one>(q);
        p.join();
        process_executor pool(1);
        pool.submit(put_one, q).result();
        ::_exit(*p.exit_code() + q.try_get().value_or(0) + q.try_get().value_or(0));
    }
    int status = 0;
    ::waitpid(copy, &status, 0);
    process::start<put_one>(of_parent).join();
    std::printf("%d %zu", WEXITSTATUS(status), of_parent.size());
    std::fflush(stdout);
}

TEST_CASE("process: a forked copy of the application has its own", "[process]") {
    if (under_thread_sanitizer) return;  // which has no threads in a forked copy
    REQUIRE(run_program("program: a copy of it starts and queues").output == "2 2");
}

TEST_CASE("program: a copy of it keeps what is closed", "[.program]") {
    process_executor_options options;
    options.max_workers = 1;
    options.on_output = [](const worker_line&) {};
    process_executor pool(options);
    int const first = pool.submit(own_pid).result();
    std::size_t const before = watched_descriptors();
    pid_t const copy = ::fork();
    if (copy == 0) {
        for (;;) ::pause();
    }
    ::kill(first, SIGKILL);
    wait_until_gone(first);
    int const second = pool.submit(own_pid).result();
    int const server = pool.submit(::getppid).result();
    while (watched_descriptors() != before) std::this_thread::sleep_for(1ms);
    ::kill(server, SIGKILL);
    wait_until_gone(second);
    pool.submit(square, 3).result();
    while (watched_descriptors() != before) std::this_thread::sleep_for(1ms);
    ::kill(copy, SIGKILL);
    ::waitpid(copy, nullptr, 0);
    std::printf("as before");
    std::fflush(stdout);
}

TEST_CASE("process_executor: a forked copy keeps what is closed here", "[process_executor]") {
    REQUIRE(run_program("program: a copy of it keeps what is closed").output == "as before");
}

TEST_CASE("program: it was root", "[.program]") {
    process_executor pool(1);
    pool.warm().result();
    process_queue<int> q;
    if (::setuid(65534) != 0) ::_exit(1);
    pool.submit(put_one, q).result();
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
