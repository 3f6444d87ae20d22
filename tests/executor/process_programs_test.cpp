#include "executor/process_jobs.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

using namespace green;
using namespace green_test;

// What belongs to whole programs: each one below is a hidden test case of this executable, or a
// small executable beside it.

namespace {

std::string beside_this(const std::string& program) {
    std::string const self = program_path();
    return self.substr(0, self.rfind('/') + 1) + program;
}

void hello() { std::printf("hello"); }  // no newline: it stays in the buffer
int parent_pid() { return ::getppid(); }

volatile std::sig_atomic_t interrupts = 0;
extern "C" void count_interrupt(int) { interrupts = interrupts + 1; }

}  // namespace

TEST_CASE("program: killed with busy workers", "[.program]") {
    meeting_point begun;
    process_executor pool(2);
    std::printf("%d ", pool.submit(parent_pid).result());
    auto first = pool.submit(hang, begun.path());
    auto second = pool.submit(hang, begun.path());
    begun.wait_for(2);
    ::unlink(begun.path().c_str());
    std::fflush(stdout);
    ::kill(::getpid(), SIGKILL);
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
    // They hold the pipe that this reads from: it is at its end when all are gone.
    auto const ended = run_program("program: killed with busy workers");
    REQUIRE(ended.status == 256 + SIGKILL);
    wait_until_gone(std::stoi(ended.output));
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
