#include "executor/process_jobs.hpp"
#include "support/sanitizers.hpp"
#include "support/subprocess.hpp"

#include <green/executor/process.hpp>
#include <green/executor/process_executor.hpp>
#include <green/executor/process_queue.hpp>
#include <green/executor/shared_array.hpp>
#include <green/executor/thread_executor.hpp>
#include <green/loop/run.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <semaphore>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

// The application forks itself: what the copy can do, and that the application does not mind.
// ThreadSanitizer ends a copy that starts a thread.

namespace {

int zero() { return 0; }
int put_one(process_queue<int> q) {
    q.put(1);
    return 0;
}

int get_two(process_queue<int> q, const std::string& begun) {
    int const first = q.get();
    meeting_point(begun).arrive();
    return first + q.get();
}

constexpr std::size_t many = std::size_t{1} << 20;

shared_array<const int> make_array(int value) {
    auto array = allocate_shared<int>(many);
    std::fill(array.begin(), array.end(), value);
    return array;
}
bool consists_of(std::span<const int> values, int value) {
    return std::all_of(values.begin(), values.end(), [=](int v) { return v == value; });
}
bool is_all(const std::vector<int>& values, int value) { return consists_of(values, value); }

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
    meeting_point const begun;
    process const getter = process::start<get_two>(q, begun.path());
    begun.wait_for(1);  // it has the first item, and waits for the next one
    int const copy = exit_of_copy();
    process::start<put_one>(q).join();
    getter.join();
    std::printf("%d %d", copy, *getter.exit_code());
    std::fflush(stdout);
}

TEST_CASE("fork: a copy of the owner of a queue exits", "[fork]") {
    auto const end = run_program("program: a copy of it exits while its queue is used");
    REQUIRE(end.output == "7 2");
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
        print_error([&] { executors.processes->submit(is_all, std::vector<int>(many, 1), 1); });
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

TEST_CASE("program: a copy of it has shared memory", "[.program]") {
    end_copies_early();
    static process_executor pool(1);
    static shared_array<const int> const result = pool.submit(make_array, 5).result();
    static shared_array<int> argument = pool.allocate_shared<int>(std::size_t{1} << 28);
    auto const used = std::span<int>(argument.begin(), argument.end())
                          .last(many);  // where the memory goes back to the system
    std::fill(used.begin(), used.end(), 7);
    int const copy = exit_of_copy();
    auto const other_result = pool.submit(make_array, 6).result();
    std::printf(
        "%d %d %d %d", copy, consists_of(result, 5), consists_of(used, 7),
        consists_of(other_result, 6)
    );
    std::fflush(stdout);
}

TEST_CASE("fork: a copy leaves shared memory alone", "[fork]") {
    REQUIRE(run_program("program: a copy of it has shared memory").output == "7 1 1 1");
}

TEST_CASE("program: a copy of it uses its queue", "[.program]") {
    process_queue<int> const q;
    process::start<put_one>(q).join();
    pid_t const copy = ::fork();
    if (copy == 0) {
        int refused = 0;
        try {
            q.put(2);
        } catch (const closed_error&) {
            ++refused;
        }
        try {
            static_cast<void>(q.get());
        } catch (const closed_error&) {
            ++refused;
        }
        try {
            q.task_done();
        } catch (const closed_error&) {
            ++refused;
        }
        ::_exit(refused);
    }
    int status = 0;
    ::waitpid(copy, &status, 0);
    process::start<put_one>(q).join();
    std::printf("%d %zu", WEXITSTATUS(status), q.size());
    std::fflush(stdout);
}

TEST_CASE("fork: the queue of its parent is none for a copy", "[fork]") {
    REQUIRE(run_program("program: a copy of it uses its queue").output == "3 2");
}

TEST_CASE("program: a copy is made in a callback", "[.program]") {
    static std::binary_semaphore done{0};
    process const p = process::start<zero>();
    p.ended().add_done_callback([](const future<int>&) {
        pid_t const copy = ::fork();
        if (copy == 0) {
            process own = process::start<zero>();
            own.join();
            ::_exit(copy_status);
        }
        int status = 0;
        ::waitpid(copy, &status, 0);
        std::printf("%d", WEXITSTATUS(status));
        std::fflush(stdout);
        done.release();
    });
    done.acquire();
}

TEST_CASE("fork: a copy that is made in a callback of a process", "[fork]") {
    if (under_thread_sanitizer) return;
    REQUIRE(run_program("program: a copy is made in a callback").output == "7");
}

TEST_CASE("program: a copy of it uses what has not been used", "[.program]") {
    auto threads = std::make_unique<thread_executor>(1);
    auto processes = std::make_unique<process_executor>(1);
    pid_t const copy = ::fork();
    int const value = copy == 0 ? 1 : 2;
    int right = 0;
    for (int i = 0; i < 10; ++i) {
        right += processes->submit(is_all, std::vector<int>(many, value), value).result();
    }
    std::printf("%d %d\n", threads->submit(square, 3).result(), right);
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
    REQUIRE(end.output == "9 10\n9 10\n");
}
