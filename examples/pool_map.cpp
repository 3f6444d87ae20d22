// Five numbers doubled by worker processes: the first program about Python's multiprocessing.Pool.
//
// Each job says in which process it is. Python's `print` in several processes at once mixes their words, and the
// tutorial's output had lost the list; here a worker's output comes through whole, before the results of the job.
//
//     I'm process  15718
//     I'm process  15717
//     I'm process  15717
//     I'm process  15718
//     I'm process  15717
//     [2, 4, 6, 8, 10]

#include <green/green.hpp>

#include <cstdio>
#include <ranges>
#include <vector>

#include <unistd.h>

namespace {

int doubled(int x) {
    std::printf("I'm process  %d\n", static_cast<int>(getpid()));
    return 2 * x;
}

green::task<> amain() {
    green::process_executor pool;
    std::vector<int> const results = co_await pool.map(doubled, std::views::iota(1, 6)).collect();
    const char* separator = "[";
    for (int const n : results) {
        std::printf("%s%d", separator, n);
        separator = ", ";
    }
    std::printf("]\n");
}

}  // namespace

int main() { green::run(amain()); }
