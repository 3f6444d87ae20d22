// A program that starts processes and does not let them serve: its main begins neither with run nor
// with process_worker_main. Without an argument, as its copies are started, it leaves before it makes an
// executor.

#include <green/executor/process_executor.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

int identity(int x) { return x; }

}  // namespace

int main(int argc, char** argv) {
    bool const copies_leave = argc > 1 && std::strcmp(argv[1], "leave") == 0;
    if (argc == 1 && std::getenv("COPIES_LEAVE")) return 3;
    if (copies_leave) ::setenv("COPIES_LEAVE", "1", 1);
    green::process_executor pool(1);
    auto const job = pool.submit(identity, 1);
    try {
        job.result();
    } catch (const green::broken_executor& e) {
        std::printf("%s\n", e.what());
        return 0;
    }
    return 2;
}
