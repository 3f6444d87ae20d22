#include "executor/process_jobs.hpp"
#include "support/green_test.hpp"

#include <green/core/errors.hpp>
#include <green/executor/codec_error.hpp>
#include <green/executor/process_executor.hpp>
#include <green/loop/sleep.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/timeout.hpp>

#include <exception>
#include <random>
#include <semaphore>
#include <stop_token>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

namespace {

/// Fails in its first two processes.
int succeed_third(const std::string& tries) {
    if (meeting_point(tries).arrive() < 3) ::kill(::getpid(), SIGKILL);
    return 3;
}
void count_and_die(const std::string& tries) {
    meeting_point(tries).arrive();
    ::kill(::getpid(), SIGKILL);
}
int parent_pid() { return ::getppid(); }

/// How long it had to wait; 0: it was asked to stop before it had begun.
int count_until_stopped(std::stop_token stop, const std::string& begun) {
    if (stop.stop_requested()) return 0;
    meeting_point(begun).arrive();
    int n = 1;
    while (!stop.stop_requested()) ++n;
    return n;
}
void die_when_asked(std::stop_token stop, const std::string& begun) {
    meeting_point(begun).arrive();
    while (!stop.stop_requested()) std::this_thread::yield();
    ::kill(::getpid(), SIGKILL);
}
int next_place(const std::string& path) { return meeting_point(path).arrive(); }

/// The pool's own thread waits in a callback until it is released.
class held_manager {
public:
    explicit held_manager(process_executor& pool) {
        auto const caller = std::this_thread::get_id();
        for (bool was_done = true; was_done;) {
            was_done = false;
            pool.warm().add_done_callback([&, caller](const future<void>&) {
                if (std::this_thread::get_id() == caller) {
                    was_done = true;
                    return;
                }
                held_.release();
                released_.acquire();
            });
        }
        held_.acquire();
    }
    void release() { released_.release(); }

private:
    std::binary_semaphore held_{0};
    std::binary_semaphore released_{0};
};

void ignore_stop(std::stop_token, const std::string& begun) { hang(begun); }

bool report_if(std::string text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

template <class F>
std::string text_of(F f) {
    try {
        f();
    } catch (const std::exception& e) {
        return e.what();
    }
    return "nothing thrown";
}

}  // namespace

// conformance 64, 65, 77
TEST_CASE("process_executor: the death of a worker fails its job alone", "[process_executor]") {
    process_executor pool(1);
    int const pid = pool.submit(own_pid).result();
    auto by_signal = pool.submit(job_options{.name = "dive"}, kill_itself, SIGSEGV);
    auto by_exit = pool.submit(exit_with, 7);
    auto by_abort = pool.submit([] { std::abort(); });
    auto after = pool.submit(square, 3);
    try {
        by_signal.result();
        FAIL("no exception");
    } catch (const worker_died& e) {
        REQUIRE(e.pid() == pid);
        REQUIRE(e.signal() == SIGSEGV);
        REQUIRE(e.exit_code() == -1);
        REQUIRE(e.usage().ru_maxrss > 0);
        REQUIRE(
            std::string(e.what()) ==
            "worker process " + std::to_string(pid) +
                " was killed by signal 11 (Segmentation fault) while it ran job 'dive' on "
                "process_executor"
        );
    }
    try {
        by_exit.result();
        FAIL("no exception");
    } catch (const worker_died& e) {
        REQUIRE(e.signal() == 0);
        REQUIRE(e.exit_code() == 7);
    }
    REQUIRE_THROWS_AS(by_abort.result(), worker_died);
    REQUIRE(after.result() == 9);
}

TEST_CASE(
    "process_executor: what was sent behind a job that dies runs once", "[process_executor]"
) {
    meeting_point runs;
    process_executor pool(1);
    auto const count = [](const std::string& path) { return meeting_point(path).arrive(); };
    std::vector<future<int>> jobs;
    std::vector<future<void>> dead;
    for (int i = 0; i < 600; ++i) {
        jobs.push_back(pool.submit(count, runs.path()));
        if (i % 100 == 50) dead.push_back(pool.submit(kill_itself, SIGKILL));
    }
    for (int i = 0; i < 600; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i + 1);
    for (auto& d : dead) REQUIRE_THROWS_AS(d.result(), worker_died);
}

TEST_CASE("process_executor: a job with retries is started again", "[process_executor]") {
    meeting_point tries;
    process_executor pool(1);
    REQUIRE(pool.submit(job_options{.retries = 2}, succeed_third, tries.path()).result() == 3);
    meeting_point poison;
    auto dead = pool.submit(job_options{.retries = 1}, count_and_die, poison.path());
    REQUIRE_THROWS_AS(dead.result(), worker_died);
    REQUIRE(poison.value() == 2);
}

TEST_CASE("process_executor: a deadline ends the job", "[process_executor]") {
    meeting_point begun;
    process_executor pool(1);
    auto late = pool.submit(job_options{.deadline = 20ms}, hang, begun.path());
    auto next = pool.submit(square, 2);
    REQUIRE_THROWS_AS(late.result(), timeout_error);
    REQUIRE(next.result() == 4);
    auto const in_time = pool.submit(job_options{.deadline = 1h}, square, 5);
    REQUIRE(in_time.result() == 25);
    REQUIRE(pool.stats().workers_started == 2);
}

TEST_CASE("process_executor: every try has the whole deadline", "[process_executor]") {
    meeting_point tries;
    process_executor pool(1);
    auto const slow = [](const std::string& path) {
        int const n = meeting_point(path).arrive();
        std::this_thread::sleep_for(500ms);
        if (n == 1) ::kill(::getpid(), SIGKILL);
        return n;
    };
    job_options options;
    options.deadline = 900ms;
    options.retries = 1;
    REQUIRE(pool.submit(options, slow, tries.path()).result() == 2);
}

TEST_CASE("process_executor: a cancel that kills ends a running job", "[process_executor]") {
    meeting_point begun;
    process_executor pool(1);
    auto running = pool.submit(job_options{.on_cancel = cancel_policy::kill}, hang, begun.path());
    auto next = pool.submit(square, 2);
    begun.wait_for(1);
    REQUIRE_FALSE(running.cancel());  // it will be, when the process is dead
    REQUIRE_THROWS_AS(running.result(), cancelled_error);
    REQUIRE(running.cancelled());
    REQUIRE(next.result() == 4);
    REQUIRE(pool.stats().cancelled == 1);
}

TEST_CASE("process_executor: a cancel asks a job that takes a token", "[process_executor]") {
    meeting_point begun;
    process_executor pool(1);
    for (int i = 1; i <= 3; ++i) {
        auto running = pool.submit(count_until_stopped, begun.path());
        begun.wait_for(i);
        REQUIRE_FALSE(running.cancel());
        REQUIRE(running.result() > 0);
    }
    REQUIRE(pool.submit(square, 2).result() == 4);
    REQUIRE(pool.stats().workers_started == 1);
}

TEST_CASE(
    "process_executor: a job that dies of its cancel has no other try", "[process_executor]"
) {
    meeting_point begun;
    process_executor pool(1);
    auto job = pool.submit(job_options{.retries = 3}, die_when_asked, begun.path());
    begun.wait_for(1);
    job.cancel();
    REQUIRE_THROWS_AS(job.result(), worker_died);
    REQUIRE(begun.value() == 1);
}

TEST_CASE("process_executor: a cancel of a job whose worker has just died", "[process_executor]") {
    meeting_point begun;
    process_executor pool(1);
    for (auto const policy : {cancel_policy::kill, cancel_policy::cooperative}) {
        int const worker = pool.submit(own_pid).result();
        ::kill(worker, SIGSTOP);
        auto job = pool.submit(job_options{.on_cancel = policy}, next_place, begun.path());
        held_manager manager(pool);  // it does not hear of this meanwhile
        ::kill(worker, SIGKILL);
        wait_until_gone(worker);
        REQUIRE_FALSE(job.cancel());
        manager.release();
        REQUIRE_THROWS_AS(job.result(), cancelled_error);
        REQUIRE(pool.submit(square, 3).result() == 9);
    }
    REQUIRE(begun.value() == 0);
}

TEST_CASE("process_executor: a job closes all descriptors", "[process_executor]") {
    process_executor pool(1);
    auto const close_all = [] { ::close_range(3, ~0U, 0); };
    auto const close_all_and_be_asked = [](std::stop_token) { ::close_range(3, ~0U, 0); };
    auto const close_and_open = [](std::stop_token) {
        ::close_range(3, ~0U, 0);
        for (int fd = 0; fd < 30; ++fd) static_cast<void>(::open("/dev/null", O_WRONLY));
    };
    for (int i = 0; i < 3; ++i) {
        pool.submit(close_and_open).exception();
        REQUIRE(pool.submit(square, 1).result() == 1);
        pool.submit(close_all).exception();  // its worker is killed for it, maybe before its end
        REQUIRE(pool.submit(square, 2).result() == 4);
        pool.submit(close_all_and_be_asked).exception();
        REQUIRE(pool.submit(square, 3).result() == 9);
    }
}

TEST_CASE("process_executor: who does not stop within the grace is killed", "[process_executor]") {
    meeting_point begun;
    process_executor_options options;
    options.max_workers = 1;
    options.cancel_grace = 10ms;
    process_executor pool(options);
    auto running = pool.submit(ignore_stop, begun.path());
    begun.wait_for(1);
    running.cancel();
    REQUIRE_THROWS_AS(running.result(), cancelled_error);
    REQUIRE(pool.submit(square, 2).result() == 4);
}

TEST_CASE("process_executor: a queued job is cancelled at once", "[process_executor]") {
    meeting_point gate;
    process_executor pool(1);
    auto first = pool.submit(pass_gate, gate.path(), 1);
    gate.wait_for(1);
    auto second = pool.submit(square, 3);
    REQUIRE(second.cancel());
    REQUIRE(pool.stats().queued == 0);
    gate.value() = 1000;
    REQUIRE(first.result() == 1);
    REQUIRE_THROWS_AS(second.result(), cancelled_error);
}

GREEN_TEST_REAL_CLOCK("process_executor: run() ends with its scope", "[process_executor]") {
    meeting_point begun;
    process_executor pool(1);
    auto const body = [&]() -> task<> {
        co_await pool.run(job_options{.on_cancel = cancel_policy::kill}, hang, begun.path());
    };
    auto h = spawn(body);
    while (begun.value() == 0) co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    int const four = co_await pool.run(square, 2);
    REQUIRE(four == 4);
    bool const done = co_await move_on_after(
        20ms, pool.run(job_options{.on_cancel = cancel_policy::kill}, hang, begun.path())
    );
    REQUIRE_FALSE(done);
    co_await pool.close();
}

// conformance 56
GREEN_TEST_REAL_CLOCK("process_executor: run() waits for who was asked", "[process_executor]") {
    meeting_point begun;
    process_executor pool(1);
    int value = 0;
    auto const body = [&]() -> task<> {
        value = co_await pool.run(count_until_stopped, begun.path());
        co_await yield();
        value = -1;
    };
    auto h = spawn(body);
    while (begun.value() == 0) co_await sleep_for(1ms);
    h.cancel();
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(value > 0);  // the result wins
}

GREEN_TEST_REAL_CLOCK(
    "process_executor: run() waits for a job that cannot be asked", "[process_executor]"
) {
    meeting_point gate;
    process_executor pool(1);
    int value = 0;
    auto const body = [&]() -> task<> {
        value = co_await pool.run(pass_gate, gate.path(), 5);
        co_await yield();
        value = -1;
    };
    auto h = spawn(body);
    while (gate.value() == 0) co_await sleep_for(1ms);
    h.cancel();
    co_await sleep_for(5ms);
    REQUIRE_FALSE(h.done());
    gate.value() = 1000;
    co_await h.join();
    REQUIRE(h.cancelled());
    REQUIRE(value == 5);
}

TEST_CASE(
    "process_executor: workers that were idle when killed are replaced", "[process_executor]"
) {
    process_executor pool(2);
    for (int i = 0; i < 3; ++i) {
        int const pid = pool.submit(own_pid).result();
        ::kill(pid, SIGKILL);
        wait_until_gone(pid);
        REQUIRE(pool.submit(square, i).result() == i * i);
    }
}

TEST_CASE("process_executor: the fork server is replaced", "[process_executor]") {
    meeting_point begun;
    process_executor pool(2);
    auto victim = pool.submit(hang, begun.path());
    begun.wait_for(1);
    int const server = pool.submit(parent_pid).result();
    ::kill(server, SIGKILL);
    // The other worker may be at one of them at the moment when it dies too.
    job_options twice;
    twice.retries = 1;
    std::vector<future<int>> jobs;
    for (int i = 0; i < 100; ++i) jobs.push_back(pool.submit(twice, square, i));
    REQUIRE_THROWS_AS(victim.result(), worker_died);
    for (int i = 0; i < 100; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i * i);
    REQUIRE(pool.submit(parent_pid).result() != server);
}

// conformance 82
TEST_CASE("process_executor: workers that cannot be started break the pool", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.initializer = [] { ::_exit(3); };
    process_executor pool(options);
    auto f = pool.submit(square, 1);
    std::string const text = text_of([&] { f.result(); });
    REQUIRE(report_if(text, "could not be started"));
    REQUIRE(report_if(text, "ended with exit status 3"));
    REQUIRE_THROWS_AS(pool.submit(square, 1), broken_executor);
}

// conformance 85
TEST_CASE("process_executor: terminate_workers and kill_workers", "[process_executor]") {
    for (bool const kill : {false, true}) {
        meeting_point begun;
        process_executor pool(1);
        auto running = pool.submit(hang, begun.path());
        begun.wait_for(1);
        auto queued = pool.submit(square, 2);
        if (kill) {
            pool.kill_workers();
        } else {
            pool.terminate_workers();
        }
        try {
            running.result();
            FAIL("no exception");
        } catch (const worker_died& e) {
            REQUIRE(e.signal() == (kill ? SIGKILL : SIGTERM));
        }
        REQUIRE(queued.cancelled());
        REQUIRE_THROWS_AS(pool.submit(square, 1), executor_error);
    }
}

// conformance 85
TEST_CASE("process_executor: what was ended does not finish later", "[process_executor]") {
    auto const work = [](const std::string& gate, const std::string& finished) {
        pass_gate(gate, 0);
        meeting_point(finished).arrive();
    };
    for (bool const kill : {false, true}) {
        meeting_point gate;
        meeting_point finished;
        {
            process_executor pool(2);
            std::vector<future<void>> jobs;
            for (int i = 0; i < 4; ++i) {
                jobs.push_back(pool.submit(work, gate.path(), finished.path()));
            }
            gate.wait_for(2);
            if (kill) {
                pool.kill_workers();
            } else {
                pool.terminate_workers();
            }
            for (auto& j : jobs) REQUIRE_THROWS(j.result());
            gate.value() = 1000;
            REQUIRE_THROWS_AS(pool.submit(square, 1), executor_error);
        }
        REQUIRE(finished.value() == 0);
    }
}

// conformance 86
TEST_CASE("process_executor: terminating a pool without workers", "[process_executor]") {
    process_executor pool(1);
    pool.terminate_workers();
    pool.kill_workers();
    REQUIRE_THROWS_AS(pool.submit(square, 1), executor_error);
}

// conformance 73
TEST_CASE("process_executor: a death in the middle of large data", "[process_executor]") {
    process_executor pool(1);
    std::string const block(8'000'000, 'x');
    auto const die_with = [](const std::string&) { ::kill(::getpid(), SIGKILL); };
    REQUIRE_THROWS_AS(pool.submit(die_with, block).result(), worker_died);
    auto const die_sending = []() {
        std::thread([] {
            std::this_thread::sleep_for(1ms);
            ::kill(::getpid(), SIGKILL);
        }).detach();
        return std::string(300'000'000, 'x');
    };
    REQUIRE_THROWS_AS(pool.submit(die_sending).result(), worker_died);
    REQUIRE(pool.submit(square, 2).result() == 4);
}

TEST_CASE("process_executor: a job has an executor of its own", "[process_executor]") {
    process_executor pool(2);
    auto const outer = [](int n) {
        process_executor inner(1);
        return inner.submit(square, n).result() + inner.submit(square, 1).result();
    };
    std::vector<future<int>> jobs;
    for (int i = 0; i < 3; ++i) jobs.push_back(pool.submit(outer, i));
    for (int i = 0; i < 3; ++i) REQUIRE(jobs[static_cast<std::size_t>(i)].result() == i * i + 1);
}

namespace {

template <class... Errors>
bool is_one_of(const std::exception_ptr& error) {
    auto const is = [&]<class E>(std::type_identity<E>) {
        try {
            std::rethrow_exception(error);
        } catch (const E&) {
            return true;
        } catch (...) {
            return false;
        }
    };
    return (is(std::type_identity<Errors>()) || ...);
}

/// Says something else to this worker's executor than what is agreed.
void spoil_own_socket(unsigned seed, std::size_t size) {
    std::mt19937 random(seed);
    std::string bytes(size, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    for (int fd = 3; fd < 100; ++fd) {
        struct stat status = {};
        if (::fstat(fd, &status) != 0 || !S_ISSOCK(status.st_mode)) continue;
        static_cast<void>(::write(fd, bytes.data(), bytes.size()));
    }
}

}  // namespace

TEST_CASE("process_executor: a worker that talks nonsense is replaced", "[process_executor]") {
    process_executor pool(1);
    for (unsigned seed = 0; seed < 10; ++seed) {
        CAPTURE(seed);
        // The beginning of a very long frame, as it may seem; the rest never comes.
        job_options options;
        options.deadline = 100ms;
        auto f = pool.submit(options, spoil_own_socket, seed, std::size_t{1} << seed);
        std::exception_ptr const error = f.exception();
        REQUIRE((error == nullptr || is_one_of<worker_died, codec_error, timeout_error>(error)));
        REQUIRE(pool.submit(job_options{.retries = 2}, square, 3).result() == 9);
    }
    REQUIRE(pool.stats().workers_started == 11);
}
