#include "executor/process_jobs.hpp"
#include "support/subprocess.hpp"

#include <atomic>
#include <stdexcept>
#include <string>

using namespace green;
using namespace green_test;

// The end of a program whose executor is still at work.

namespace {

std::atomic<int> failures{0};
std::atomic<bool> exits_late{false};

/// The first global variable, so the last that goes. A library may take as long to go.
struct last_to_go {
    ~last_to_go() {
        if (!exits_late) return;
        int const before = failures;
        while (failures < before + 50) std::this_thread::sleep_for(1ms);
    }
};
[[gnu::init_priority(101)]] last_to_go last;

void fail(int n) { throw std::runtime_error("failure " + std::to_string(n)); }
void fail_again(process_executor& pool, int n) {
    pool.submit(fail, n).add_done_callback([&pool, n](const future<void>& f) {
        static_cast<void>(f.exception());
        ++failures;
        fail_again(pool, n + 1);
    });
}

}  // namespace

TEST_CASE("program: exits while jobs fail", "[.program]") {
    auto& pool = *new process_executor(1);
    fail_again(pool, 0);
    while (failures < 10) std::this_thread::sleep_for(1ms);
    exits_late = true;
    std::exit(3);  // NOLINT(concurrency-mt-unsafe)
}

TEST_CASE("process_executor: exit while jobs fail", "[process_executor]") {
    auto const ended =
        run_program("program: exits while jobs fail", {"ASAN_OPTIONS=detect_leaks=0"});
    REQUIRE(ended.output.empty());
    REQUIRE(ended.status == 3);
}
