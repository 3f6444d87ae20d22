// A program whose static initialisers have done what its processes keep, and what they must not mind.

#include <green/core/errors.hpp>
#include <green/executor/process.hpp>
#include <green/executor/process_executor.hpp>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <fcntl.h>
#include <unistd.h>

namespace {

int open_log() { return ::open(std::getenv("GREEN_TEST_LOG"), O_WRONLY | O_APPEND); }

// One of them has the number of what a process opens first.
const std::array<int, 8> logs{open_log(), open_log(), open_log(), open_log(),
                              open_log(), open_log(), open_log(), open_log()};
[[maybe_unused]] auto* const children_ignored = std::signal(SIGCHLD, SIG_IGN);
[[maybe_unused]] bool const unsynchronised = std::ios::sync_with_stdio(false);
[[maybe_unused]] auto const& to_cout = std::cout << "by-cout ";
[[maybe_unused]] int const to_stdout = std::printf("by-stdout ");

int write_down() {
    std::cout << "printed ";
    for (int const log : logs) ::dprintf(log, "x");
    return 5;
}
void die() { ::_exit(3); }
void load() { std::cout << "loaded "; }

}  // namespace

int main() {
    green::process_worker_main();
    for (auto const method : {green::start_method::fork, green::start_method::exec}) {
        green::process_executor pool({
            .max_workers = 1,
            .preload = method == green::start_method::fork ? load : nullptr,
            .method = method,
        });
        pool.submit(write_down).result();
        try {
            pool.submit(die).result();
        } catch (const green::worker_died& e) {
            std::printf("%d ", e.exit_code());
        }
        pool.submit(write_down).result();
    }
    green::process p = green::process::start<write_down>();
    p.join();
    std::printf("%d\n", *p.exit_code());
}
