#include "support/green_test.hpp"
#include "support/subprocess.hpp"
#include "support/text.hpp"
#include "support/waits.hpp"

#include <green/executor/thread_executor.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <latch>
#include <memory>
#include <optional>
#include <semaphore>
#include <stop_token>
#include <string>

#include <pthread.h>

// Threads of an executor at the end of the program, of a loop, and of the machine's resources. What belongs to
// the end of a program is a hidden test case of this executable.

using namespace green;
using namespace green_test;

namespace {

int square(int x) { return x * x; }

// Declared before every executor below, so destroyed after them.
std::binary_semaphore begun{0};
std::binary_semaphore main_has_ended{0};

void eat_apple() {
    begun.release();
    main_has_ended.acquire();
    std::printf("apple");
}

/// Opened by an exit handler, which comes before the destructors of the statics that were made before it.
void let_it_end() {
    std::atexit([] { main_has_ended.release(); });
}

std::atomic<int> threads_gone{0};
struct counts_its_thread {
    ~counts_its_thread() { ++threads_gone; }
};

/// No thread can be started as long as it lives: none has the memory for its stack.
class no_room_for_threads {
public:
    no_room_for_threads() {
        pthread_getattr_default_np(&before_);
        pthread_attr_t greedy;
        pthread_attr_init(&greedy);
        pthread_attr_setstacksize(&greedy, std::size_t{1} << 60);
        pthread_setattr_default_np(&greedy);
        pthread_attr_destroy(&greedy);
    }
    no_room_for_threads(const no_room_for_threads&) = delete;
    no_room_for_threads& operator=(const no_room_for_threads&) = delete;
    ~no_room_for_threads() {
        pthread_setattr_default_np(&before_);
        pthread_attr_destroy(&before_);
    }

private:
    pthread_attr_t before_{};
};

}  // namespace

TEST_CASE("program: it ends while a job runs", "[.program]") {
    static thread_executor pool(1);
    pool.submit(eat_apple);
    let_it_end();
}

TEST_CASE("program: it ends after a shutdown that did not wait", "[.program]") {
    static thread_executor pool(1);
    pool.submit(eat_apple);
    pool.shutdown({.wait = false});
    let_it_end();
}

TEST_CASE("program: it ends after a shutdown that cancelled", "[.program]") {
    static thread_executor pool(1);
    pool.submit(eat_apple);
    begun.acquire();
    auto const queued = pool.submit([] { std::printf("pear"); });
    pool.shutdown({.wait = false, .cancel_pending = true});
    std::printf("%s ", queued.describe().c_str());
    let_it_end();
}

TEST_CASE("program: it submits when it ends", "[.program]") {
    static thread_executor open(1);
    static thread_executor closed(1);
    closed.shutdown();
    std::atexit([] {
        open.submit([] { std::printf("a job, "); }).result();
        try {
            closed.submit([] { std::printf("another"); });
        } catch (const executor_error& e) {
            std::printf("%s", e.what());
        }
    });
}

// conformance 40
TEST_CASE("thread_executor: the end of the program waits for its jobs", "[thread_end]") {
    auto const ended = run_program("program: it ends while a job runs");
    REQUIRE(ended.output == "apple");
    REQUIRE(ended.status == 0);
}

// conformance 38
TEST_CASE("thread_executor: it does so after a shutdown that did not wait", "[thread_end]") {
    auto const ended = run_program("program: it ends after a shutdown that did not wait");
    REQUIRE(ended.output == "apple");
    REQUIRE(ended.status == 0);
}

// conformance 37
TEST_CASE("thread_executor: the end of the program after a cancel", "[thread_end]") {
    auto const ended = run_program("program: it ends after a shutdown that cancelled");
    REQUIRE(ended.output == "cancelled apple");
    REQUIRE(ended.status == 0);
}

// conformance 41
TEST_CASE("thread_executor: submit in an exit handler", "[thread_end]") {
    auto const ended = run_program("program: it submits when it ends");
    REQUIRE(ended.output == "a job, cannot schedule new futures after shutdown");
    REQUIRE(ended.status == 0);
}

// conformance 42
TEST_CASE("thread_executor: its end is that of its threads, after all jobs", "[thread_end]") {
    threads_gone = 0;
    std::atomic<int> done{0};
    auto pool = std::make_unique<thread_executor>(2);
    std::latch together(2);
    for (int i = 0; i < 20; ++i) {
        pool->submit([&, i] {
            static thread_local counts_its_thread const counter;
            if (i < 2) together.arrive_and_wait();
            ++done;
        });
    }
    pool.reset();
    REQUIRE(done == 20);
    REQUIRE(threads_gone == 2);
}

TEST_CASE("thread_executor: a callback of its shutdown destroys it", "[thread_end]") {
    auto pool = std::make_unique<thread_executor>(1);
    std::binary_semaphore door{0};
    auto const running = pool->submit([&] { door.acquire(); });
    while (!running.running()) std::this_thread::yield();
    auto dropped = pool->submit(square, 2);
    dropped.add_done_callback([&](const future<int>&) {
        door.release();
        pool.reset();
    });
    pool->shutdown({.wait = false, .cancel_pending = true});
    REQUIRE_FALSE(pool);
    REQUIRE(dropped.cancelled());
}

TEST_CASE("thread_executor: the last handle of it goes on the deadlines' thread", "[thread_end]") {
    std::binary_semaphore destroyed{0};
    // Who destroys it waits for what it runs, and that is the end of the job.
    std::optional<std::stop_callback<std::function<void()>>> callback;
    auto pool = std::make_unique<thread_executor>(1);
    auto const late = pool->submit(job_options{.deadline = 1ms}, [&](std::stop_token stop) {
        callback.emplace(stop, [&] {
            pool.reset();
            destroyed.release();
        });
        while (!stop.stop_requested()) std::this_thread::yield();
    });
    destroyed.acquire();
    REQUIRE_FALSE(pool);
    REQUIRE_THROWS_AS(late.result(), timeout_error);
}

// conformance 54
TEST_CASE("thread_executor: a thread that cannot be started", "[thread_end]") {
    thread_executor pool(1);
    {
        no_room_for_threads const none;
        std::string const what = error_of<executor_error>([&] { pool.submit(square, 2); });
        REQUIRE(contains(what, "thread_executor: cannot start a thread: "));
    }
    executor_stats const after = pool.stats();
    REQUIRE(after.submitted == 0);
    REQUIRE(after.queued == 0);
    REQUIRE(after.workers == 0);
    REQUIRE(pool.submit(square, 3).result() == 9);  // its place is free
}

TEST_CASE("thread_executor: resize when no thread can be started", "[thread_end]") {
    thread_executor pool(1);
    pool.resize(0);
    auto const job = pool.submit(square, 2);
    {
        no_room_for_threads const none;
        REQUIRE_THROWS_AS(pool.resize(1), executor_error);
    }
    REQUIRE_FALSE(job.done());
    pool.resize(1);
    REQUIRE(job.result() == 4);
}

TEST_CASE("thread_executor: the threads that there are do the work of others", "[thread_end]") {
    std::binary_semaphore door{0};
    thread_executor pool(2);
    auto first = pool.submit([&] { door.acquire(); });
    while (!first.running()) std::this_thread::yield();
    future<int> second;
    {
        no_room_for_threads const none;
        second = pool.submit(square, 3);
    }
    REQUIRE(pool.stats().workers == 1);
    door.release();
    REQUIRE(second.result() == 9);
}
