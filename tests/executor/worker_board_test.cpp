#include <green/executor/worker_board.hpp>

#include "support/catch.hpp"

#include <green/executor/descriptor.hpp>

#include <cstring>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

using namespace green::detail;

namespace {

/// Both sides of a board, as two processes see it.
struct both_sides {
    descriptor memory = shared_memory("test", worker_board::memory_size());
    worker_board worker{memory.get()};
    worker_board application{memory.get()};
};

std::span<const std::byte> bytes_of(const std::string& text) {
    return std::as_bytes(std::span<const char>(text));
}

/// The payloads of the frames in `bytes`.
std::vector<std::string> payloads(const green::byte_buffer& bytes) {
    std::vector<std::string> out;
    for (std::size_t at = 0; at < bytes.size();) {
        frame_header header;
        std::memcpy(&header, bytes.data() + at, sizeof header);
        const auto* const text = reinterpret_cast<const char*>(bytes.data() + at + sizeof header);
        out.emplace_back(text, header.size);
        at += sizeof header + header.size;
    }
    return out;
}

}  // namespace

TEST_CASE("worker_board: counts the jobs that began", "[worker_board]") {
    both_sides b;
    REQUIRE(b.application.begun() == 0);
    REQUIRE(b.worker.begin(0));
    REQUIRE(b.worker.begin(1));
    REQUIRE(b.application.begun() == 2);
}

TEST_CASE("worker_board: jobs are taken back, later ones run", "[worker_board]") {
    both_sides b;
    REQUIRE(b.worker.begin(0));
    REQUIRE(b.application.take_back(3) == 1);  // 1 and 2
    REQUIRE_FALSE(b.application.take_back(3));  // the worker has not seen it yet
    REQUIRE_FALSE(b.worker.begin(1));
    REQUIRE_FALSE(b.worker.begin(2));
    REQUIRE(b.worker.begin(3));
    REQUIRE(b.application.begun() == 4);
    REQUIRE(b.application.take_back(4) == 4);  // all have begun
    REQUIRE(b.worker.begin(4));
}

TEST_CASE("worker_board: a job is begun or taken back, never both", "[worker_board]") {
    for (int round = 0; round < 200; ++round) {
        both_sides b;
        constexpr std::uint64_t jobs = 50;
        std::uint64_t ran = 0;
        std::thread worker([&] {
            for (std::uint64_t n = 0; n < jobs; ++n) ran += b.worker.begin(n);
        });
        auto const begun = b.application.take_back(jobs);
        worker.join();
        REQUIRE(begun == ran);
    }
}

TEST_CASE("worker_board: results wrap around the ring", "[worker_board]") {
    both_sides b;
    for (int round = 0; round < 300; ++round) {
        std::string const one(static_cast<std::size_t>(round * 7 % 3000), 'a');
        std::string const two = std::to_string(round);
        REQUIRE(b.worker.post({.kind = frame_kind::result}, bytes_of(one)));
        REQUIRE(b.worker.post({.kind = frame_kind::result}, bytes_of(two)));
        green::byte_buffer got;
        REQUIRE(b.application.collect(got));
        REQUIRE(payloads(got) == std::vector<std::string>{one, two});
    }
}

TEST_CASE("worker_board: what has no room is refused", "[worker_board]") {
    both_sides b;
    std::string const large(worker_board::largest_result + 1, 'x');
    REQUIRE_FALSE(b.worker.post({}, bytes_of(large)));
    std::string const fits(worker_board::largest_result, 'x');
    std::size_t posted = 0;
    while (b.worker.post({}, bytes_of(fits))) ++posted;
    REQUIRE(posted > 1);
    REQUIRE(b.worker.half_full());
    green::byte_buffer got;
    REQUIRE(b.application.collect(got));
    REQUIRE(payloads(got).size() == posted);
    REQUIRE_FALSE(b.worker.half_full());
    REQUIRE(b.worker.post({}, bytes_of(fits)));
}

TEST_CASE("worker_board: one that was written over is seen", "[worker_board]") {
    both_sides b;
    // The counters lie behind the first cache line.
    std::vector<unsigned char> junk(256, 0xa5);
    REQUIRE(::pwrite(b.memory.get(), junk.data(), junk.size() / 2, 0) > 0);
    green::byte_buffer got;
    REQUIRE_FALSE(b.application.collect(got));
}
