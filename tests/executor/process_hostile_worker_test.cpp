#include "executor/process_jobs.hpp"

#include <green/executor/worker_protocol.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace green;
using namespace green_test;

// Jobs that write to what belongs to their worker: its socket, its memory. They end with their
// worker; nothing else does.

namespace {

using detail::frame_header;
using detail::frame_kind;

/// The worker's: the only stream socket of a process that has opened none.
int job_socket() {
    for (int fd = 3; fd < 256; ++fd) {
        int domain = 0;
        int type = 0;
        socklen_t size = sizeof type;
        if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) continue;
        size = sizeof type;
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) continue;
        if (domain == AF_UNIX && type == SOCK_STREAM) return fd;
    }
    ::_exit(9);
}

void write_all(int fd, const void* bytes, std::size_t count) {
    const auto* at = static_cast<const char*>(bytes);
    while (count > 0) {
        ssize_t const n = ::write(fd, at, count);
        if (n < 0) return;
        at += n;
        count -= static_cast<std::size_t>(n);
    }
}

/// Its own result is under a number that the job is told.
void say(int kind, std::uint64_t id, std::uint64_t size, const std::string& text) {
    frame_header const header{.id = id, .size = size, .kind = static_cast<frame_kind>(kind)};
    std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
    bytes += text;
    write_all(job_socket(), bytes.data(), bytes.size());
}
void say_and_hang(int kind, std::uint64_t id, std::uint64_t size, const std::string& text) {
    say(kind, id, size, text);
    for (;;) ::pause();
}
/// Writes for ever.
void flood(int kind, std::uint64_t id, std::uint64_t size) {
    std::string const bytes(size, 'x');
    for (;;) say(kind, id, size, bytes);
}
/// Rings for ever, faster than one thread can hear.
void ring(const std::string& meeting) {
    meeting_point(meeting).arrive();
    static std::array<frame_header, 1000>
        bells;  // by default it is a bell, and written in one piece
    auto const go_on = [] {
        for (;;) write_all(job_socket(), bells.data(), sizeof bells);
    };
    std::thread(go_on).detach();
    std::thread(go_on).detach();
    go_on();
}
/// One frame without an end.
void promise_too_much(int kind, std::uint64_t id) {
    std::string const bytes(1 << 20, 'x');
    say(kind, id, ~std::uint64_t{0}, bytes);
    for (;;) write_all(job_socket(), bytes.data(), bytes.size());
}

/// Says of its worker that it has begun nothing, and dies.
void unbegin_and_die(const std::string& tries) {
    meeting_point(tries).arrive();
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        if (line.find("memfd:green-worker") == std::string::npos) continue;
        // The first word of the board counts the jobs that have begun.
        std::uintptr_t const at = std::stoull(line, nullptr, 16);
        *reinterpret_cast<volatile std::uint64_t*>(at) = 0;
        ::kill(::getpid(), SIGKILL);
    }
}

int number_of(frame_kind kind) { return static_cast<int>(kind); }

/// A lease of what was never written.
void lend_nothing(std::uint64_t id, std::uint64_t size) {
    struct {
        frame_header header;
        detail::lease_note note;
    } message;
    message.header = {
        .id = id,
        .size = sizeof message.note,
        .kind = frame_kind::result,
        .flags = detail::result_is_lent
    };
    message.note = {.lease = 0, .offset = 0, .size = size};
    write_all(job_socket(), &message, sizeof message);
    for (;;) ::pause();  // its own result would come before
}

long peak_kilobytes() {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

std::vector<char> bytes_of_size(std::size_t count) { return std::vector<char>(count, 'x'); }

}  // namespace

TEST_CASE("process_executor: a job that says its worker is unusable", "[process_executor]") {
    process_executor pool(1);
    pool.warm().result();
    auto wild = pool.submit(say_and_hang, number_of(frame_kind::unusable), 0, 5, "wrong");
    REQUIRE_THROWS_AS(wild.result(), worker_died);
    REQUIRE(pool.submit(square, 3).result() == 9);
}

TEST_CASE("process_executor: a job that says its worker is ready", "[process_executor]") {
    process_executor pool(1);
    pool.warm().result();
    auto wild = pool.submit(say_and_hang, number_of(frame_kind::ready), 0, 0, "");
    REQUIRE_THROWS_AS(wild.result(), worker_died);
    REQUIRE(pool.submit(square, 3).result() == 9);
}

TEST_CASE("process_executor: a job that answers for another one", "[process_executor]") {
    process_executor pool(1);
    REQUIRE(pool.submit(square, 2).result() == 4);
    for (std::uint64_t const id : {0U, 2U, 99U}) {
        for (std::uint64_t const size : {std::uint64_t{100}, std::uint64_t{1} << 20}) {
            auto wild = pool.submit(flood, number_of(frame_kind::result), id + 1000, size);
            REQUIRE_THROWS_AS(wild.result(), worker_died);
        }
    }
    REQUIRE(pool.submit(square, 3).result() == 9);
}

TEST_CASE("process_executor: a job that announces more than there can be", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.max_result_size = 1 << 20;
    process_executor pool(options);
    pool.warm().result();
    for (frame_kind const kind :
         {frame_kind::result, frame_kind::bell, frame_kind::ready, static_cast<frame_kind>(77)}) {
        long const before = peak_kilobytes();
        auto wild = pool.submit(promise_too_much, number_of(kind), 0);
        REQUIRE_THROWS_AS(wild.result(), executor_error);
        REQUIRE(peak_kilobytes() - before < 64 << 10);
    }
    REQUIRE(pool.submit(square, 3).result() == 9);
}

TEST_CASE("process_executor: a result beyond max_result_size", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.max_result_size = 1 << 20;
    for (std::size_t const arena : {std::size_t{0}, std::size_t{1} << 30}) {
        options.arena_size = arena;
        process_executor pool(options);
        REQUIRE(pool.submit(bytes_of_size, 1'000'000).result().size() == 1'000'000);
        auto too_large = pool.submit(bytes_of_size, 1 << 20);
        REQUIRE_THROWS_WITH(
            too_large.result(),
            "the result of the job is larger than max_result_size: 1048586 bytes of 1048576"
        );
        REQUIRE(pool.submit(square, 3).result() == 9);
    }
    options.max_result_size = 100;
    process_executor pool(options);
    REQUIRE(pool.submit(bytes_of_size, 50).result().size() == 50);
    REQUIRE_THROWS_AS(pool.submit(bytes_of_size, 150).result(), executor_error);
    REQUIRE_THROWS_AS(pool.submit(bytes_of_size, 50'000).result(), executor_error);
    REQUIRE(pool.submit(square, 3).result() == 9);
}

TEST_CASE("process_executor: a job that lends more than max_result_size", "[process_executor]") {
    process_executor_options options;
    options.max_workers = 1;
    options.max_result_size = 1 << 20;
    process_executor pool(options);
    long const before = peak_kilobytes();
    REQUIRE_THROWS_AS(pool.submit(lend_nothing, 0, 1 << 30).result(), executor_error);
    REQUIRE(peak_kilobytes() - before < 64 << 10);
    pool.kill_workers();
}

TEST_CASE("process_executor: a job that rings for ever", "[process_executor]") {
    meeting_point begun;
    process_executor pool(2);
    pool.warm().result();
    auto wild = pool.submit(ring, begun.path());
    begun.wait_for(1);
    for (int i = 0; i < 20; ++i) REQUIRE(pool.submit(square, i).result() == i * i);
    REQUIRE_THROWS_AS(wild.result(), worker_died);
}

TEST_CASE("process_executor: a worker that always dies with nothing begun", "[process_executor]") {
    meeting_point tries;
    process_executor pool(1);
    auto wild = pool.submit(unbegin_and_die, tries.path());
    auto behind_it = pool.submit(square, 3);
    REQUIRE_THROWS_AS(wild.result(), worker_died);
    REQUIRE(tries.value() == 3);
    REQUIRE(behind_it.result() == 9);
}
