#include "executor/process_jobs.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <green/executor/process.hpp>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <poll.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

// What belongs to whole programs: each one below is a hidden test case of this executable, or a
// small executable beside it.

namespace {

void hello() { std::printf("hello"); }  // no newline: it stays in the buffer
int parent_pid() { return ::getppid(); }

int pass_gate_with_status(const std::string& gate) { return pass_gate(gate, 5); }
void hang_deaf(const std::string& begun) {
    std::signal(SIGTERM, SIG_IGN);
    hang(begun);
}
void eat_apple(const std::string& gate) {
    pass_gate(gate, 0);
    std::printf("apple");
}

void pass_gate_and_print(const std::string& gate) {
    pass_gate(gate, 0);
    ::poll(nullptr, 0, 100);
    std::printf("waited-for ");
}

volatile std::sig_atomic_t interrupts = 0;
extern "C" void count_interrupt(int) { interrupts = interrupts + 1; }

}  // namespace

TEST_CASE("program: killed with busy workers", "[.program]") {
    meeting_point begun;
    process_executor_options options;
    options.max_workers = 2;
    if (std::getenv("GREEN_TEST_EXEC")) options.method = start_method::exec;
    process_executor pool(options);
    std::printf("%d ", pool.submit(parent_pid).result());
    auto first = pool.submit(hang, begun.path());
    auto second = pool.submit(hang, begun.path());
    begun.wait_for(2);
    ::unlink(begun.path().c_str());
    std::fflush(stdout);
    ::kill(::getpid(), SIGKILL);
}

TEST_CASE("program: killed with processes", "[.program]") {
    meeting_point begun;
    process const first = process::start<hang>(begun.path());
    process const second = process::start<hang>(process_options{.daemon = true}, begun.path());
    begun.wait_for(2);
    ::unlink(begun.path().c_str());
    std::printf("%d %d", first.pid(), second.pid());
    std::fflush(stdout);
    ::kill(::getpid(), SIGKILL);
}

TEST_CASE("program: a process is interrupted as a group", "[.program]") {
    ::setpgid(0, 0);
    std::signal(SIGINT, count_interrupt);
    meeting_point gate;
    process const p = process::start<pass_gate_with_status>(gate.path());
    gate.wait_for(1);
    ::kill(0, SIGINT);
    gate.value() = 1000;
    std::printf("%d %d", p.ended().result(), static_cast<int>(interrupts));
    std::fflush(stdout);
}

TEST_CASE("program: a daemon does not listen", "[.program]") {
    meeting_point begun;
    process const p = process::start<hang_deaf>(process_options{.daemon = true}, begun.path());
    begun.wait_for(1);
    std::printf("%d", p.pid());
}

TEST_CASE("program: the terminal is closed", "[.program]") {
    ::setpgid(0, 0);
    std::signal(SIGHUP, SIG_IGN);  // as by nohup
    meeting_point gate;
    process_executor pool(1);
    auto job = pool.submit(pass_gate, gate.path(), 5);
    process const p = process::start<pass_gate_with_status>(gate.path());
    gate.wait_for(2);
    ::kill(0, SIGHUP);
    gate.value() = 1000;
    std::printf("%d %d", job.result(), p.ended().result());
    std::fflush(stdout);
}

TEST_CASE("program: a callback of a process ends it", "[.program]") {
    std::atexit([] { std::printf("end"); });  // what the processes do at the end comes before this
    static meeting_point const gate;
    static process const first = process::start<pass_gate_with_status>(gate.path());
    static process const daemon =
        process::start<hang>(process_options{.daemon = true}, gate.path());
    static process const second = process::start<pass_gate_and_print>(gate.path());
    gate.wait_for(3);
    std::printf("%d ", daemon.pid());
    std::fflush(stdout);
    first.ended().add_done_callback([](const future<int>&) {
        std::exit(3);  // NOLINT(concurrency-mt-unsafe)
    });
    gate.value() = 1000;
    for (;;) ::pause();
}

// What the end of a program does to a process_executor: see thread_end_test.cpp.

TEST_CASE("program: it ends while a worker works", "[.program]") {
    static meeting_point const gate;
    static process_executor pool(1);
    pool.submit(eat_apple, gate.path());
    if (std::getenv("GREEN_TEST_SHUTDOWN")) pool.shutdown({.wait = false});
    std::atexit([] { gate.value() = 1000; });
}

TEST_CASE("program: it ends while a job fails", "[.program]") {
    static meeting_point const gate;
    static process_executor pool(1);
    auto const fail = [](const std::string& path) {
        pass_gate(path, 0);
        throw std::out_of_range("far");
    };
    pool.submit(fail, gate.path()).add_done_callback([](const future<void>& f) {
        try {
            f.result();
        } catch (const std::out_of_range& e) {
            std::printf("%s", e.what());
        }
    });
    std::atexit([] { gate.value() = 1000; });
}

TEST_CASE("program: it ends after a cancel of what waited", "[.program]") {
    static meeting_point const gate;
    static process_executor pool(1);
    pool.submit(eat_apple, gate.path());
    gate.wait_for(1);
    auto const queued = pool.submit([] { std::printf("pear"); });
    pool.shutdown({.wait = false, .cancel_pending = true});
    std::printf("%s ", queued.describe().c_str());
    std::fflush(stdout);
    std::atexit([] { gate.value() = 1000; });
}

TEST_CASE("program: it submits to workers when it ends", "[.program]") {
    static process_executor open(1);
    static process_executor closed(1);
    closed.shutdown();
    std::atexit([] {
        open.submit([] { std::printf("a job, "); }).result();
        try {
            closed.submit([] { std::printf("another"); });
        } catch (const executor_error& e) {
            std::printf("%s", e.what());
        }
    });
}

TEST_CASE("program: a job prints", "[.program]") {
    process_executor pool(1);
    pool.submit(hello).result();
    pool.submit(square, 1).result();
}

TEST_CASE("program: interrupted as a group", "[.program]") {
    ::setpgid(0, 0);
    std::signal(SIGINT, count_interrupt);
    meeting_point gate;
    process_executor pool(1);
    auto job = pool.submit(pass_gate, gate.path(), 5);
    gate.wait_for(1);
    ::kill(0, SIGINT);
    gate.value() = 1000;
    std::printf("%d %d", job.result(), static_cast<int>(interrupts));
    std::fflush(stdout);
}

// conformance 92
TEST_CASE("process_executor: workers die with a killed parent", "[process_executor]") {
    for (bool const by_exec : {false, true}) {
        std::vector<std::string> environment;
        if (by_exec) environment.emplace_back("GREEN_TEST_EXEC=1");
        // They hold the pipe that this reads from: it is at its end when all are gone.
        auto const ended = run_program("program: killed with busy workers", environment);
        REQUIRE(ended.status == 256 + SIGKILL);
        wait_until_gone(std::stoi(ended.output));
    }
}

TEST_CASE("process: they die with a killed parent", "[process]") {
    auto const ended = run_program("program: killed with processes");
    REQUIRE(ended.status == 256 + SIGKILL);
    std::istringstream pids(ended.output);
    int count = 0;
    for (int pid = 0; pids >> pid; ++count) wait_until_gone(pid);
    REQUIRE(count == 2);
}

TEST_CASE("process: Ctrl-C is for the application alone", "[process]") {
    auto const ended = run_program("program: a process is interrupted as a group");
    REQUIRE(ended.output == "5 1");
}

TEST_CASE("process_executor: an application that ignores SIGHUP", "[process_executor]") {
    REQUIRE(run_program("program: the terminal is closed").output == "5 5");
}

TEST_CASE("process: a callback ends the program", "[process]") {
    auto const ended = run_program("program: a callback of a process ends it");
    REQUIRE(ended.status == 3);
    int daemon = 0;
    std::string second;
    std::string program;
    std::istringstream(ended.output) >> daemon >> second >> program;
    REQUIRE_FALSE(is_running(daemon));
    REQUIRE(second == "waited-for");
    REQUIRE(program == "end");
}

// conformance 96
TEST_CASE("process: a daemon that ignores SIGTERM is ended all the same", "[process]") {
    auto const ended = run_program("program: a daemon does not listen");
    REQUIRE(ended.status == 0);
    REQUIRE_FALSE(is_running(std::stoi(ended.output)));
}

// conformance 38, 40
TEST_CASE("process_executor: the end of the program waits for its jobs", "[process_executor]") {
    for (bool const shutdown : {false, true}) {
        std::vector<std::string> environment;
        if (shutdown) environment.emplace_back("GREEN_TEST_SHUTDOWN=1");
        auto const ended = run_program("program: it ends while a worker works", environment);
        REQUIRE(ended.output == "apple");
        REQUIRE(ended.status == 0);
    }
}

TEST_CASE("process_executor: a job fails at the end of the program", "[process_executor]") {
    auto const ended = run_program("program: it ends while a job fails");
    REQUIRE(ended.output == "far");
    REQUIRE(ended.status == 0);
}

// conformance 37
TEST_CASE("process_executor: the end of the program after a cancel", "[process_executor]") {
    auto const ended = run_program("program: it ends after a cancel of what waited");
    REQUIRE(ended.output == "cancelled apple");
    REQUIRE(ended.status == 0);
}

// conformance 41
TEST_CASE("process_executor: submit in an exit handler", "[process_executor]") {
    auto const ended = run_program("program: it submits to workers when it ends");
    REQUIRE(ended.output == "a job, cannot schedule new futures after shutdown");
    REQUIRE(ended.status == 0);
}

TEST_CASE("process_executor: what a job prints appears once", "[process_executor]") {
    auto const ended = run_program("program: a job prints");
    REQUIRE(ended.output == "hello");
}

TEST_CASE("process_executor: Ctrl-C is for the application alone", "[process_executor]") {
    auto const ended = run_program("program: interrupted as a group");
    REQUIRE(ended.output == "5 1");
}

// conformance 98
TEST_CASE("process_executor: a main without the hook is told so", "[process_executor]") {
    auto const ended = run_process({beside_this("forgotten_hook"), "go on"});
    REQUIRE(ended.status == 0);
    REQUIRE(contains(ended.output, "its main makes an executor of its own"));
    REQUIRE(contains(ended.output, "ended with exit status 1 instead"));
    REQUIRE(contains(ended.output, "call green::process_worker_main() in the first line of main"));

    auto const leaving = run_process({beside_this("forgotten_hook"), "leave"});
    REQUIRE(leaving.status == 0);
    REQUIRE(contains(leaving.output, "ended with exit status 3 instead"));
}

TEST_CASE("process_executor: a program that was replaced on disk works on", "[process_executor]") {
    scratch_directory const directory;
    std::string const program = directory.file("program");
    std::string const upgrade = directory.file("upgrade");
    std::filesystem::copy_file(beside_this("replaced"), program);
    write_file(upgrade, "not even a program");
    // Elsewhere it would not find the library, if there is one.
    auto const ended = run_process({program, upgrade}, {"LD_LIBRARY_PATH=" + beside_this("..")});
    REQUIRE(ended.output == "49 9\n");
    REQUIRE(ended.status == 0);
    REQUIRE(read_file(program) == "not even a program");
}

TEST_CASE("process_executor: run_main lets the workers in", "[process_executor]") {
    auto const ended = run_process({beside_this("served_by_run")});
    REQUIRE(ended.output == "49\n");
    REQUIRE(ended.status == 0);
}

TEST_CASE("process_executor: what static initialisers have made", "[process_executor]") {
    scratch_directory const directory;
    std::string const log = directory.file("log");
    write_file(log, "");
    auto const ended = run_process({beside_this("busy_statics")}, {"GREEN_TEST_LOG=" + log});
    REQUIRE(
        ended.output == "loaded printed printed printed printed printed by-cout by-stdout 3 3 5\n"
    );
    REQUIRE(ended.status == 0);
    REQUIRE(read_file(log) == std::string(5 * 8, 'x'));
}
