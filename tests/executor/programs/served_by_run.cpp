// A program whose processes are let in by run_main alone.

#include <green/executor/process_executor.hpp>
#include <green/loop/run_main.hpp>

#include <cstdio>

namespace {

int square(int x) { return x * x; }

green::task<> amain() {
    green::process_executor pool(1);
    int const n = co_await pool.run(square, 7);
    std::printf("%d\n", n);
    co_await pool.close();
}

}  // namespace

int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
