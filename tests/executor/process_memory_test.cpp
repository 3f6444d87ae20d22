#include "executor/process_jobs.hpp"
#include "support/green_test.hpp"
#include "support/sanitizers.hpp"
#include "support/subprocess.hpp"

#include <cstdint>
#include <limits>
#include <new>
#include <stop_token>
#include <string>
#include <vector>

#include <sys/resource.h>

using namespace green;
using namespace green_test;

// Processes that have no memory, or no descriptors, for what they are sent.

namespace {

std::vector<char> bytes(std::size_t count) { return std::vector<char>(count, 'x'); }
std::size_t length(const std::vector<char>& bytes) { return bytes.size(); }

std::uint64_t address_space() {
    rlimit limit{};
    ::getrlimit(RLIMIT_AS, &limit);
    return limit.rlim_cur;
}

void use_up_descriptors() {
    rlimit const none{0, 0};
    ::setrlimit(RLIMIT_NOFILE, &none);
}
int stoppable(std::stop_token, int x) { return x; }

process_executor_options one_worker() {
    process_executor_options options;
    options.max_workers = 1;
    return options;
}

}  // namespace

TEST_CASE("process_executor: an argument beyond the memory of a worker", "[process_executor]") {
    if (under_sanitizer) return;  // it has reserved more than that
    process_executor_options options = one_worker();
    options.memory_limit = std::uint64_t{200} << 20;
    options.arena_size = 0;  // through the socket
    process_executor pool(options);
    auto too_large = pool.submit(length, bytes(std::size_t{300} << 20));
    auto behind_it = pool.submit(length, bytes(1000));
    REQUIRE_THROWS_AS(too_large.result(), std::bad_alloc);
    REQUIRE(behind_it.result() == 1000);
    REQUIRE(pool.submit(length, bytes(std::size_t{1} << 20)).result() == std::size_t{1} << 20);
    REQUIRE(pool.stats().workers_started == 1);
}

TEST_CASE("program: a result beyond its memory", "[.program]") {
    for (std::size_t const arena : {std::size_t{0}, std::size_t{1} << 30}) {
        process_executor_options options = one_worker();
        options.arena_size = arena;
        process_executor pool(options);
        pool.warm().result();
        std::size_t const size = std::size_t{400} << 20;
        rlimit before{};
        ::getrlimit(RLIMIT_AS, &before);
        rlimit const little{2 * arena + (std::size_t{300} << 20), before.rlim_max};
        ::setrlimit(RLIMIT_AS, &little);
        auto f = pool.submit(bytes, size);
        try {
            f.result();
        } catch (const std::bad_alloc&) {
            std::printf("none ");
        }
        std::printf("%zu ", pool.submit(bytes, std::size_t{1} << 20).result().size());
        std::printf("%d ", static_cast<int>(pool.stats().workers_started));
        ::setrlimit(RLIMIT_AS, &before);
    }
    std::fflush(stdout);
}

TEST_CASE("process_executor: a result beyond the memory of the application", "[process_executor]") {
    if (under_sanitizer) return;  // it has reserved more than that
    REQUIRE(
        run_program("program: a result beyond its memory").output ==
        "none 1048576 1 none 1048576 1 "
    );
}

TEST_CASE("process_executor: calls of cancelled jobs are dropped at once", "[process_executor]") {
    process_executor_options options = one_worker();
    options.arena_size = std::size_t{1} << 20;
    process_executor pool(options);
    meeting_point gate;
    auto first = pool.submit(pass_gate, gate.path(), 0);
    gate.wait_for(1);
    // It holds the arena as long as it has its call.
    auto queued = pool.submit(length, bytes(std::size_t{700} << 10));
    REQUIRE_FALSE(is_shared(pool.allocate_shared<char>(500 << 10).data(), "memfd:green"));
    pool.shutdown({.wait = false, .cancel_pending = true});
    REQUIRE(queued.cancelled());
    REQUIRE(is_shared(pool.allocate_shared<char>(500 << 10).data(), "memfd:green"));
    gate.value() = 1000;
}

TEST_CASE("process_executor: a grace that never ends", "[process_executor]") {
    process_executor_options options = one_worker();
    options.cancel_grace = forever - 1s;
    process_executor pool(options);
    meeting_point gate;
    auto job = pool.submit(
        [](std::stop_token stop, const std::string& path) {
            meeting_point(path).arrive();
            while (!stop.stop_requested()) std::this_thread::sleep_for(200us);
            return pass_gate(path, 3);
        },
        gate.path()
    );
    gate.wait_for(1);
    job.cancel();
    gate.wait_for(2);
    // Another turn of the manager, which would kill the worker.
    REQUIRE(pool.stats().running == 1);
    auto queued = pool.submit(square, 3);
    gate.value() = 1000;
    REQUIRE(job.result() == 3);
    REQUIRE(queued.result() == 9);
    pool.shutdown({.grace = forever - 1s});
}

TEST_CASE("process_executor: a limit of memory that is as good as none", "[process_executor]") {
    process_executor_options options = one_worker();
    options.memory_limit = std::numeric_limits<std::uint64_t>::max() - 4095;
    process_executor pool(options);
    REQUIRE(pool.submit(address_space).result() >= options.memory_limit);
}

TEST_CASE(
    "process_executor: a worker without descriptors runs no stoppable job", "[process_executor]"
) {
    if (under_sanitizer) return;  // it needs some itself
    process_executor pool(one_worker());
    pool.submit(use_up_descriptors).result();
    REQUIRE_THROWS_AS(pool.submit(stoppable, 1).result(), std::system_error);
    REQUIRE(pool.submit(square, 3).result() == 9);
    REQUIRE(pool.stats().workers_started == 1);
}
