#include "executor/process_jobs.hpp"
#include "support/sanitizers.hpp"
#include "support/subprocess.hpp"

#include <green/executor/process.hpp>
#include <green/executor/process_executor.hpp>
#include <green/executor/process_queue.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/loop/run.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

// The application forks itself: what the copy can do, and that the application does not mind.
// ThreadSanitizer ends a copy that starts a thread.

namespace {

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

constexpr int copy_status = 7;

/// Before the static variables are made: after their ends a copy has done. LeakSanitizer, which looks at
/// the very end, would miss the threads' stacks in it.
void end_copies_early() {
    static pid_t const original = ::getpid();
    std::atexit([] {
        if (::getpid() != original) ::_exit(copy_status);
    });
}

/// What a copy of this process ends with when it exits; -1 if it had to be killed.
int exit_of_copy() {
    pid_t const copy = ::fork();
    if (copy == 0) std::exit(copy_status);  // NOLINT(concurrency-mt-unsafe)
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

/// The executors of an application that has used them.
struct used_executors {
    used_executors() {
        threads->submit(square, 1).result();
        processes->submit(square, 1).result();
    }

    std::unique_ptr<thread_executor> threads = std::make_unique<thread_executor>(1);
    std::unique_ptr<process_executor> processes = std::make_unique<process_executor>(1);
};

template <class F>
void print_error(F f) {
    try {
        f();
    } catch (const executor_error& e) {
        std::printf("%s\n", e.what());
    }
}

task<> close(used_executors& executors) {
    co_await executors.threads->close();
    co_await executors.processes->close();
}

}  // namespace

TEST_CASE("program: a copy of it exits", "[.program]") {
    end_copies_early();
    meeting_point gate;
    static thread_executor threads(1);
    static process_executor pool(1);
    static process const p = process::start<pass_gate>(gate.path(), 0);
    threads.submit(square, 1).result();
    pool.submit(square, 1).result();
    gate.wait_for(1);
    int const copy = exit_of_copy();
    gate.value() = 1000;
    p.join();
    std::printf("%d %d %d ", copy, *p.exit_code(), pool.submit(square, 3).result());
    std::printf("%d", threads.submit(square, 4).result());
    std::fflush(stdout);
}

TEST_CASE("fork: a copy exits", "[fork]") {
    REQUIRE(run_program("program: a copy of it exits").output == "7 0 9 16");
}

TEST_CASE("program: a copy of it exits while its queue is used", "[.program]") {
    end_copies_early();
    static process_queue<int> q;
    process::start<put_one>(q).join();
    int const copy = exit_of_copy();
    process::start<put_one>(q).join();
    std::printf("%d %d %d", copy, q.try_get().value_or(0), q.try_get().value_or(0));
    std::fflush(stdout);
}

TEST_CASE("fork: a copy of the owner of a queue exits", "[fork]") {
    auto const end = run_program("program: a copy of it exits while its queue is used");
    REQUIRE(end.output == "7 1 1");
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

TEST_CASE("fork: a copy has its own processes and queues", "[fork]") {
    if (under_thread_sanitizer) return;
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

TEST_CASE("fork: a copy keeps what is closed here", "[fork]") {
    REQUIRE(run_program("program: a copy of it keeps what is closed").output == "as before");
}

TEST_CASE("program: a copy of it uses its executors", "[.program]") {
    used_executors executors;
    pid_t const copy = ::fork();
    if (copy == 0) {
        print_error([&] { executors.threads->submit(square, 2); });
        print_error([&] { executors.threads->resize(2); });
        print_error([&] { executors.processes->submit(square, 2); });
        print_error([&] { executors.processes->warm(); });
        executors.processes->kill_workers();
        executors.processes->shutdown();
        executors.threads->shutdown();
        run(close(executors));
        executors.threads.reset();
        executors.processes.reset();
        std::fflush(stdout);
        ::_exit(0);
    }
    ::waitpid(copy, nullptr, 0);
    std::printf(
        "%d %d\n", executors.threads->submit(square, 3).result(),
        executors.processes->submit(square, 4).result()
    );
    std::fflush(stdout);
}

TEST_CASE("fork: the executors of its parent are none for a copy", "[fork]") {
    if (under_thread_sanitizer) return;
    std::string const threads =
        "thread_executor: it belongs to the process that this one was forked from\n";
    std::string const processes =
        "process_executor: it belongs to the process that this one was forked from\n";
    auto const end = run_program("program: a copy of it uses its executors");
    REQUIRE(end.output == threads + threads + processes + processes + "9 16\n");
}

TEST_CASE("program: a copy of it uses what has not been used", "[.program]") {
    auto threads = std::make_unique<thread_executor>(1);
    auto processes = std::make_unique<process_executor>(1);
    pid_t const copy = ::fork();
    std::printf(
        "%d %d\n", threads->submit(square, 3).result(), processes->submit(square, 4).result()
    );
    std::fflush(stdout);
    if (copy == 0) {
        threads.reset();
        processes.reset();
        ::_exit(0);
    }
    ::waitpid(copy, nullptr, 0);
}

TEST_CASE("fork: executors that had no job are a copy's too", "[fork]") {
    if (under_thread_sanitizer) return;
    auto const end = run_program("program: a copy of it uses what has not been used");
    REQUIRE(end.output == "9 16\n9 16\n");
}
