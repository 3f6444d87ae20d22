// What a program can ask about itself: its number, its user, its directory, and what `ps` shows of it.
//
// From a tutorial on multitasking: `os.getpid()`, `os.getuid()`, `os.getgid()`, `os.getcwd()`, and then
// `ps -ef | grep 4352` with the number of the program. Here the program reads /proc as ps does (so on Linux only), and has
// a process executor running, so that there is something to see: its fork server, and the worker that this has started.
//
//     5163
//     1000
//     1000
//     /home/green
//         PID    PPID CMD
//        5163    4352 this_process
//        5167    5163 green-forkserve
//        5168    5167 green-worker

#include <green/green.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <unistd.h>

namespace {

struct process_entry {
    int pid = 0;
    int parent = 0;
    std::string command;
};

/// The line of one process in /proc. It may have ended meanwhile: then the numbers are 0.
process_entry read_entry(const std::filesystem::path& directory) {
    process_entry entry;
    std::ifstream status(directory / "status");
    for (std::string key; status >> key;) {
        if (key == "Name:") status >> entry.command;
        if (key == "Pid:") status >> entry.pid;
        if (key == "PPid:") status >> entry.parent;
        std::getline(status, key);
    }
    return entry;
}

/// All processes of this machine. Reads files, so it blocks: a job for a thread.
std::vector<process_entry> read_all() {
    std::vector<process_entry> all;
    for (const auto& item : std::filesystem::directory_iterator("/proc")) {
        bool const is_process = item.path().filename().string().find_first_not_of("0123456789") ==
            std::string::npos;
        if (is_process) all.push_back(read_entry(item.path()));
    }
    return all;
}

void print_family(const std::vector<process_entry>& all, const process_entry& head) {
    std::printf("%7d %7d %s\n", head.pid, head.parent, head.command.c_str());
    for (const process_entry& entry : all) {
        if (entry.parent == head.pid) print_family(all, entry);
    }
}

green::task<> amain() {
    std::printf("%d\n", static_cast<int>(getpid()));
    std::printf("%d\n", static_cast<int>(getuid()));
    std::printf("%d\n", static_cast<int>(getgid()));
    std::printf("%s\n", std::filesystem::current_path().c_str());

    green::process_executor workers(1);
    co_await workers.warm();
    green::thread_executor threads(1);
    std::vector<process_entry> const all = co_await threads.run(read_all);
    std::printf("    PID    PPID CMD\n");
    for (const process_entry& entry : all) {
        if (entry.pid == getpid()) print_family(all, entry);
    }
}

}  // namespace

int main() { green::run(amain()); }
