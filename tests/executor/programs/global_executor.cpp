// A program whose executor is a global variable: it is made in every process of the executor too.

#include <green/executor/process_executor.hpp>

#include <cstdio>

namespace {

int square(int x) { return x * x; }

green::process_executor pool(green::process_executor_options{
    .max_workers = 1, .memory_limit = std::uint64_t{1} << 40
});

}  // namespace

int main() {
    green::process_worker_main();
    std::printf("%d\n", pool.submit(square, 7).result());
    pool.shutdown();
}
