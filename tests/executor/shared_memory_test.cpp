#include <green/executor/shared_memory.hpp>

#include "support/catch.hpp"

#include <green/executor/byte_buffer.hpp>
#include <green/executor/codec.hpp>
#include <green/executor/codec_error.hpp>
#include <green/executor/outgoing_call.hpp>
#include <green/executor/worker_arena.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace green;
using namespace green::detail;

namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

/// An arena over memory that the test can look at.
struct arena_with_memory {
    explicit arena_with_memory(std::size_t size)
        : memory(sealed_memory("green-test", size)),
          arena(memory_mapping(memory.get(), 0, size, PROT_READ | PROT_WRITE)) {}

    std::size_t resident() const {
        struct stat status = {};
        REQUIRE(::fstat(memory.get(), &status) == 0);
        return static_cast<std::size_t>(status.st_blocks) * 512;
    }

    descriptor memory;
    shared_arena arena;
};

/// A worker's results, seen from both sides.
struct both_sides {
    explicit both_sides(std::size_t size)
        : memory(sealed_memory("green-test", worker_arena_memory_size(size))),
          worker(std::make_unique<worker_arena>(memory.get())),
          application(std::make_shared<result_memory>(memory.get())) {}

    descriptor memory;
    std::unique_ptr<worker_arena> worker;
    std::shared_ptr<result_memory> application;
};

shared_array<int> numbers(const std::shared_ptr<shared_arena>& arena, std::size_t n) {
    auto a = allocate_shared_in<int>(arena, n);
    std::iota(a.begin(), a.end(), 0);
    return a;
}

std::span<const std::byte> bytes_of(const lease_note& note) {
    return std::as_bytes(std::span(&note, 1));
}

/// What a worker writes for an array, with the note that comes before.
byte_buffer noted_reply(worker_arena& worker, shared_array<int> built) {
    shared_array<const int> const result = std::move(built);
    byte_buffer outcome;
    encoder e(outcome, &worker);
    e.put(result);
    auto const note = worker.close_lease(outcome);
    REQUIRE(note);
    byte_buffer noted;
    encoder all(noted);
    all.write(&*note, sizeof *note);
    all.write(outcome.data(), outcome.size());
    return noted;
}

shared_array<const int> receive(result_memory& application, const byte_buffer& noted) {
    byte_buffer copy;
    std::shared_ptr<result_lease> lease;
    auto const outcome = application.open(noted.bytes(), copy, lease);
    decoder d(outcome, lease.get());
    return d.get<shared_array<const int>>();
}

}  // namespace

TEST_CASE("shared_arena: pieces, the lowest first", "[shared_memory]") {
    arena_with_memory m(16 * mib);
    std::byte* const a = m.arena.allocate(mib);
    std::byte* const b = m.arena.allocate(mib + 1);
    std::byte* const c = m.arena.allocate(mib);
    REQUIRE(b == a + mib);
    REQUIRE(c == b + whole_pages(mib + 1));
    REQUIRE(m.arena.contains(c));
    REQUIRE(m.arena.offset_of(c) == static_cast<std::uint64_t>(c - a));
    m.arena.release(b);
    REQUIRE(m.arena.allocate(mib) == b);
    m.arena.release(a);
    m.arena.release(c);
    m.arena.release(b);
    REQUIRE(m.arena.used() == 0);
    REQUIRE(m.arena.allocate(16 * mib) == a);  // what was free is one piece again
}

TEST_CASE("shared_arena: what has no room is refused", "[shared_memory]") {
    arena_with_memory m(4 * mib);
    REQUIRE(m.arena.allocate(0) == nullptr);
    REQUIRE(m.arena.allocate(4 * mib + 1) == nullptr);
    REQUIRE(m.arena.allocate(~std::size_t{0}) == nullptr);
    std::byte* const a = m.arena.allocate(4 * mib);
    REQUIRE(a != nullptr);
    REQUIRE(m.arena.allocate(1) == nullptr);
    m.arena.release(a);
    REQUIRE(m.arena.allocate(1) == a);
}

TEST_CASE("shared_arena: a piece grows where it lies", "[shared_memory]") {
    arena_with_memory m(4 * mib);
    std::byte* const a = m.arena.allocate(mib);
    REQUIRE(m.arena.extend(a, 2 * mib));
    std::byte* const b = m.arena.allocate(mib);
    REQUIRE(b == a + 2 * mib);
    REQUIRE_FALSE(m.arena.extend(a, 3 * mib));
    REQUIRE(m.arena.extend(b, 2 * mib));
    REQUIRE_FALSE(m.arena.extend(b, 3 * mib));
    m.arena.release(a);
    m.arena.release(b);
    REQUIRE(m.arena.used() == 0);
}

TEST_CASE("shared_arena: a quarter keeps its pages", "[shared_memory]") {
    arena_with_memory m(16 * mib);
    REQUIRE(m.resident() == 0);
    std::byte* const a = m.arena.allocate(16 * mib);
    std::memset(a, 1, 16 * mib);
    REQUIRE(m.resident() >= 16 * mib);
    m.arena.release(a);
    REQUIRE(m.resident() <= 5 * mib);
    REQUIRE(m.arena.allocate(16 * mib) == a);
    REQUIRE(a[0] == std::byte{1});
    REQUIRE(a[8 * mib] == std::byte{0});
}

TEST_CASE("shared memory cannot be cut off, nor written by a reader", "[shared_memory]") {
    descriptor const memory = sealed_memory("green-test", mib);
    REQUIRE(size_of_memory(memory.get()) == mib);
    REQUIRE(::ftruncate(memory.get(), 0) != 0);
    REQUIRE(errno == EPERM);
    descriptor const reader = read_only(memory);
    REQUIRE_THROWS_AS(
        memory_mapping(reader.get(), 0, mib, PROT_READ | PROT_WRITE), std::system_error
    );
    memory_mapping const mapped(reader.get(), 0, mib, PROT_READ);
    REQUIRE(::mprotect(mapped.data(), mib, PROT_READ | PROT_WRITE) != 0);
    REQUIRE(mapped.find(mib - 1, 1) == mapped.data() + mib - 1);
    REQUIRE(mapped.find(mib, 1) == nullptr);
    REQUIRE(mapped.find(8, ~std::uint64_t{0}) == nullptr);
    REQUIRE(mapped.find(~std::uint64_t{0}, 8) == nullptr);
}

TEST_CASE("byte_buffer: large ones move into the arena, and out of a full one", "[shared_memory]") {
    arena_with_memory m(4 * mib);
    {
        byte_buffer b(&m.arena);
        std::memset(b.extend(1000), 'a', 1000);
        REQUIRE_FALSE(b.in_arena());
        std::memset(b.extend(mib), 'b', mib);
        REQUIRE(b.in_arena());
        std::memset(b.extend(2 * mib), 'c', 2 * mib);
        REQUIRE(b.in_arena());
        std::memset(b.extend(4 * mib), 'd', 4 * mib);
        REQUIRE_FALSE(b.in_arena());
        REQUIRE(m.arena.used() == 0);
        REQUIRE(b.data()[999] == std::byte{'a'});
        REQUIRE(b.data()[1000 + mib - 1] == std::byte{'b'});
        REQUIRE(b.data()[1000 + mib] == std::byte{'c'});
        REQUIRE(b.data()[b.size() - 1] == std::byte{'d'});
        b = byte_buffer(&m.arena);
        b.reserve(mib);
        REQUIRE(b.in_arena());
        byte_buffer const moved = std::move(b);
        REQUIRE(moved.in_arena());
        REQUIRE(m.arena.used() >= mib);
    }
    REQUIRE(m.arena.used() == 0);
}

TEST_CASE("shared_array: without shared memory it is sent by value", "[shared_memory]") {
    shared_array<const int> const a = numbers(nullptr, 1000);
    byte_buffer bytes;
    encoder e(bytes);
    e.put(a);
    e.put(shared_array<const int>());
    decoder d(bytes.bytes());
    auto const b = d.get<shared_array<const int>>();
    REQUIRE(std::equal(a.begin(), a.end(), b.begin(), b.end()));
    REQUIRE(d.get<shared_array<const int>>().empty());
    d.expect_end("two arrays");
    REQUIRE_THROWS_AS(allocate_shared<double>(~std::size_t{0} / 4), std::bad_array_new_length);
}

TEST_CASE("outgoing_call: refers to the arrays of its own arena", "[shared_memory]") {
    shared_arguments const mine(4 * mib);
    shared_arguments const other(4 * mib);
    borrowed_arguments worker(mine.for_workers.get());
    auto const send = [&](const std::shared_ptr<shared_arena>& from) {
        auto call = std::make_shared<outgoing_call>(mine.arena);
        encoder e(call->bytes, call.get());
        shared_array<const int> const a = numbers(from, 1000);
        e.put(a);
        return call;
    };
    auto call = send(mine.arena);
    REQUIRE(call->bytes.size() < 100);
    REQUIRE(mine.arena->used() > 0);
    {
        decoder d(call->bytes.bytes(), &worker);
        auto const got = d.get<shared_array<const int>>();
        REQUIRE(got[999] == 999);
        REQUIRE(worker.end_job());  // it is still held
    }
    REQUIRE_FALSE(worker.end_job());
    call.reset();
    REQUIRE(mine.arena->used() == 0);
    REQUIRE(send(other.arena)->bytes.size() > 4000);
    REQUIRE(send(nullptr)->bytes.size() > 4000);
}

TEST_CASE("shared_array: a place that is none is a codec_error", "[shared_memory]") {
    shared_arguments const mine(mib);
    borrowed_arguments worker(mine.for_workers.get());
    auto const decode = [&](std::size_t count, std::uint64_t offset, shared_borrower* borrower) {
        byte_buffer bytes;
        encoder e(bytes);
        e.put(true);
        e.write_size(count);
        e.put(offset);
        decoder d(bytes.bytes(), borrower);
        d.get<shared_array<const int>>();
    };
    REQUIRE_NOTHROW(decode(mib / 4, 0, &worker));
    REQUIRE_THROWS_AS(decode(mib / 4 + 1, 0, &worker), codec_error);
    REQUIRE_THROWS_AS(decode(1, mib, &worker), codec_error);
    REQUIRE_THROWS_AS(decode(1, 2, &worker), codec_error);
    REQUIRE_THROWS_AS(decode(0, 0, &worker), codec_error);
    REQUIRE_THROWS_AS(decode(~std::size_t{0} / 2, 0, &worker), codec_error);
    REQUIRE_THROWS_AS(decode(1, ~std::uint64_t{3}, &worker), codec_error);
    REQUIRE_THROWS_AS(decode(1, 0, nullptr), codec_error);
}

TEST_CASE("worker_arena: a result is lent until the last view of it is gone", "[shared_memory]") {
    both_sides b(4 * mib);
    auto reply = noted_reply(*b.worker, numbers(b.worker->memory(), 1000));
    {
        auto const view = receive(*b.application, reply);
        b.application.reset();  // the view does without
        b.worker->reclaim();
        REQUIRE(b.worker->memory()->used() > 0);
        REQUIRE(view[999] == 999);
    }
    b.worker->reclaim();
    REQUIRE(b.worker->memory()->used() == 0);
}

TEST_CASE("worker_arena: a large outcome is lent as a whole", "[shared_memory]") {
    both_sides b(4 * mib);
    byte_buffer outcome(b.worker->memory().get());
    std::memset(outcome.extend(mib), 'x', mib);
    auto const note = b.worker->close_lease(outcome);
    REQUIRE(note);
    REQUIRE(note->size == mib);
    REQUIRE(outcome.empty());
    {
        byte_buffer copy;
        std::shared_ptr<result_lease> lease;
        auto const got = b.application->open(bytes_of(*note), copy, lease);
        REQUIRE(got.size() == mib);
        REQUIRE(got.back() == std::byte{'x'});
    }
    b.worker->reclaim();
    REQUIRE(b.worker->memory()->used() == 0);
}

TEST_CASE("worker_arena: more results than leases go by value", "[shared_memory]") {
    both_sides b(16 * mib);
    std::vector<shared_array<const int>> views;
    for (std::size_t i = 0; i < lease_table::size; ++i) {
        auto const reply = noted_reply(*b.worker, numbers(b.worker->memory(), 10));
        views.push_back(receive(*b.application, reply));
    }
    shared_array<const int> const one_more = numbers(b.worker->memory(), 10);
    byte_buffer outcome(b.worker->memory().get());
    encoder e(outcome, b.worker.get());
    e.put(one_more);
    REQUIRE_FALSE(b.worker->close_lease(outcome));
    decoder d(outcome.bytes());
    REQUIRE(d.get<shared_array<const int>>()[9] == 9);
    outcome = byte_buffer(b.worker->memory().get());
    outcome.extend(mib);
    REQUIRE_FALSE(b.worker->close_lease(outcome));  // it stays where it was, to be sent
    REQUIRE(outcome.size() == mib);
    views.pop_back();
    b.worker->reclaim();
    REQUIRE(b.worker->close_lease(outcome));
}

TEST_CASE("worker_arena: untrue notes find nothing", "[shared_memory]") {
    both_sides b(mib);
    byte_buffer copy;
    std::shared_ptr<result_lease> lease;
    REQUIRE(b.application->open({}, copy, lease).empty());
    lease_note const notes[] = {
        {.lease = lease_table::size},
        {.lease = ~std::uint64_t{0}, .size = 8},
        {.lease = 0, .offset = 0, .size = mib + 1},
        {.lease = 0, .offset = mib, .size = 1},
        {.lease = 0, .offset = ~std::uint64_t{0} - 3, .size = 8},
        {.lease = 0, .offset = 8, .size = ~std::uint64_t{0} - 3},
    };
    for (const lease_note& note : notes) {
        REQUIRE(b.application->open(bytes_of(note), copy, lease).empty());
    }
    // A worker that shares nothing has nothing to lend.
    both_sides none(0);
    REQUIRE(none.worker->memory() == nullptr);
    REQUIRE(none.application->open(bytes_of({}), copy, lease).empty());
    REQUIRE(lease == nullptr);
}
