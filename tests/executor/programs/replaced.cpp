// A program that is replaced on disk by the file of its argument before it needs a worker, as an upgrade
// does it.

#include <green/executor/process.hpp>
#include <green/executor/process_executor.hpp>

#include <cstdio>
#include <filesystem>

namespace {

int square(int x) { return x * x; }

}  // namespace

int main(int argc, char** argv) {
    green::process_worker_main();
    if (argc != 2) return 2;
    std::filesystem::rename(argv[1], std::filesystem::read_symlink("/proc/self/exe"));
    green::process_executor pool(1);
    int const n = pool.submit(square, 7).result();
    auto const p = green::process::start<square>(3);
    p.join();
    std::printf("%d %d\n", n, *p.exit_code());
}
