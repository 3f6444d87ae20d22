#include "support/subprocess.hpp"
#include "support/waits.hpp"

#include <green/executor/job_queue.hpp>
#include <green/executor/process_executor.hpp>
#include <green/executor/processors.hpp>
#include <green/executor/thread_executor.hpp>

#include <filesystem>
#include <latch>
#include <memory>
#include <semaphore>
#include <thread>
#include <vector>

#include <sched.h>

// The bound of an executor's queue, and how many processors there are.

using namespace green;
using namespace std::chrono_literals;

namespace {

int square(int x) { return x * x; }

/// An executor of one thread, which is held, and of one place in its queue.
struct narrow {
    narrow()
        : pool({.max_workers = 1, .max_queue = 1}), job(pool.submit([this] {
              begun.release();
              door.acquire();
          })) {
        begun.acquire();
    }
    ~narrow() { door.release(); }
    std::binary_semaphore begun{0};
    std::binary_semaphore door{0};
    thread_executor pool;
    future<void> job;
};

/// A wait for room, as tests/support/waits.hpp wants it.
struct room_subject {
    explicit room_subject(int) {}
    void close() {
        n = std::make_unique<narrow>();
        n->pool.submit(square, 1);
    }
    void open() { n->door.release(); }
    task<> pass() {
        auto f = co_await n->pool.submit_wait(square, 2);
        REQUIRE(f);
    }
    bool intact() const { return true; }
    std::unique_ptr<narrow> n = [] {
        auto made = std::make_unique<narrow>();
        made->door.release();
        return made;
    }();
};

}  // namespace

TEST_CASE("thread_executor: submit to a full queue", "[queue_limit]") {
    narrow n;
    auto queued = n.pool.submit(square, 3);
    REQUIRE(green_test::error_of<executor_error>([&] {
                n.pool.submit(square, 1);
            }) == "thread_executor: the queue is full; co_await submit_wait, or try_submit");
    REQUIRE_FALSE(n.pool.try_submit(square, 1).has_value());
    REQUIRE(queued.cancel());
    auto const next = n.pool.try_submit({.name = "fits"}, square, 4);
    REQUIRE(next.has_value());
    n.door.release();
    REQUIRE(next->result() == 16);
}

GREEN_TEST_REAL_CLOCK(
    "thread_executor: submit_wait, what every awaitable has to pass", "[queue_limit]"
) {
    using namespace green_test::five;
    co_await ready_at_once<room_subject>();
    co_await suspends_then_completes<room_subject>();
    co_await cancelled_before_it_starts<room_subject>();
    co_await cancelled_while_it_waits<room_subject>();
}

GREEN_TEST_REAL_CLOCK("thread_executor: who waits for room gets it in order", "[queue_limit]") {
    std::string order;
    narrow n;
    n.pool.submit([&order] { order += '0'; });
    std::vector<join_handle<>> waiters;
    auto const submits = [&](char c) -> task<> {
        auto const note = [&order](char me) { order += me; };
        auto const f = co_await n.pool.submit_wait(note, c);
        co_await f;
    };
    for (char const c : {'1', '2', '3', '4'}) waiters.push_back(spawn(submits, c));
    co_await sleep_for(1ms);
    REQUIRE_FALSE(n.pool.try_submit(square, 1).has_value());
    waiters[1].cancel();
    n.door.release();
    for (auto& w : waiters) co_await w.join();
    REQUIRE(order == "0134");
}

GREEN_TEST_REAL_CLOCK("thread_executor: shut down while somebody waits for room", "[queue_limit]") {
    narrow n;
    n.pool.submit(square, 1);
    auto const submits = [&]() -> task<> { co_await n.pool.submit_wait(square, 2); };
    auto const h = spawn(submits);
    co_await sleep_for(1ms);
    n.pool.shutdown({.wait = false});
    co_await h.join();
    REQUIRE_THROWS_AS(h.result(), executor_error);
}

GREEN_TEST_REAL_CLOCK("thread_executor: run and map need no room", "[queue_limit]") {
    thread_executor pool({.max_workers = 1, .max_queue = 1});
    auto const one = [&pool](int i) -> task<int> { co_return co_await pool.run(square, i); };
    std::vector<join_handle<int>> jobs;
    for (int i = 0; i < 20; ++i) jobs.push_back(spawn(one, i));
    std::vector<int> const numbers{1, 2, 3, 4};
    auto const values = co_await pool.map(square, numbers).collect();
    REQUIRE(values.size() == 4);
    for (auto& j : jobs) co_await j;
}

TEST_CASE("the processors that the quota of a control group gives time for", "[processors]") {
    using detail::processors_of_quota;
    REQUIRE(processors_of_quota("max 100000") == 0);
    REQUIRE(processors_of_quota("-1 100000") == 0);
    REQUIRE(processors_of_quota("200000 100000") == 2);
    REQUIRE(processors_of_quota("150000 100000") == 2);
    REQUIRE(processors_of_quota("50000 100000") == 1);
    REQUIRE(processors_of_quota("1 100000") == 1);
    REQUIRE(processors_of_quota("9223372036854775807 1") == 9'223'372'036'854'775'807U);
    for (const char* nonsense : {"", " ", "100000", "x y", "100000 0", "0 100000", "1e5 "}) {
        REQUIRE(processors_of_quota(nonsense) == 0);
    }
}

// conformance 29
TEST_CASE("thread_executor: so many threads by default", "[processors]") {
    std::size_t const processors = detail::usable_processors();
    REQUIRE(processors >= 1);
    REQUIRE(processors <= std::thread::hardware_concurrency());
    thread_executor const pool;
    REQUIRE(pool.max_workers() == std::min<std::size_t>(32, processors + 4));
}

TEST_CASE("executor: a thread that is kept to one processor has few workers", "[processors]") {
    std::size_t threads = 0;
    std::size_t processes = 0;
    std::thread([&] {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(static_cast<unsigned>(detail::allowed_processors().front()), &one);
        if (::sched_setaffinity(0, sizeof one, &one) != 0) return;
        threads = thread_executor().max_workers();
        processes = process_executor().max_workers();
    }).join();
    REQUIRE(threads == 5);
    REQUIRE(processes == 1);
}

namespace {

/// Files of /proc and /sys, as a container may have them.
class system_files {
public:
    void write(const std::string& path, const std::string& text) const {
        std::filesystem::create_directories(std::filesystem::path(file(path)).parent_path());
        green_test::write_file(file(path), text);
    }
    std::size_t processors() const { return detail::processors_of_cgroup(root_.file("")); }

private:
    std::string file(const std::string& path) const { return root_.file(path); }
    green_test::scratch_directory root_;
};

}  // namespace

TEST_CASE("the quota of a control group of version 2", "[processors]") {
    system_files files;
    REQUIRE(files.processors() == 0);
    files.write("proc/self/cgroup", "0::/outer/inner\n");
    REQUIRE(files.processors() == 0);
    files.write("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
    REQUIRE(files.processors() == 0);
    files.write("sys/fs/cgroup/outer/cpu.max", "250000 100000\n");
    REQUIRE(files.processors() == 3);  // those above count too
    files.write("sys/fs/cgroup/outer/inner/cpu.max", "200000 100000\n");
    REQUIRE(files.processors() == 2);
    files.write("sys/fs/cgroup/cpu.max", "100000 100000\n");
    REQUIRE(files.processors() == 1);
}

TEST_CASE("the quota of a control group of version 1", "[processors]") {
    system_files files;
    files.write("proc/self/cgroup", "4:memory:/m\n3:cpu,cpuacct:/a/b\n1:cpuset:/c\n");
    files.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_quota_us", "-1\n");
    files.write("sys/fs/cgroup/cpu/a/b/cpu.cfs_period_us", "100000\n");
    files.write(
        "sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "100000\n"
    );  // of another controller's group
    files.write("sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
    REQUIRE(files.processors() == 0);
    files.write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "350000\n");
    files.write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
    REQUIRE(files.processors() == 4);
}

TEST_CASE("the quota of a container that sees the path of its host", "[processors]") {
    system_files files;
    files.write("proc/self/cgroup", "0::/host/docker/0123\n");
    files.write("sys/fs/cgroup/cpu.max", "150000 100000\n");  // its own group is the root
    REQUIRE(files.processors() == 2);
}
