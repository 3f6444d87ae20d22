#pragma once

// Internal: the memory of a worker's large results, seen from both sides.
//
//     │ leases: one number each │ pieces … │
//
// The worker lends memory to the application together with a result: all that belongs to one result
// is one lease. The application ends a lease by writing to its number, whenever it likes; the worker
// looks there before its next job. Nobody waits for anybody.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/owning_process.hpp>
#include <green/executor/shared_array.hpp>
#include <green/executor/shared_memory.hpp>
#include <green/executor/worker_protocol.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace green::detail {

/// The beginning of the memory.
struct lease_table {
    static constexpr std::size_t size = 256;
    enum state : std::uint32_t { unused, lent, ended };
    std::array<std::atomic<std::uint32_t>, size> states;
    static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
};

/// What sealed_memory has to make for `size` bytes of results; 0 for none.
std::size_t worker_arena_memory_size(std::size_t size) noexcept;

/// The worker's side.
class worker_arena final : public shared_lender {
public:
    /// Maps what worker_arena_memory_size() made. std::system_error.
    explicit worker_arena(int memory);
    ~worker_arena();
    worker_arena(const worker_arena&) = delete;
    worker_arena& operator=(const worker_arena&) = delete;

    /// Null in a process that is no worker.
    static worker_arena* of_this_process() noexcept;

    /// Null if there is no memory to share.
    const std::shared_ptr<shared_arena>& memory() const noexcept { return arena_; }

    /// Bytes of address space that it takes.
    std::size_t size() const noexcept { return size_; }

    /// Takes back what the application needs no more. Before each job.
    void reclaim() noexcept;
    /// For the result that is being encoded.
    bool lend(const std::shared_ptr<const std::byte>& memory, std::uint64_t& offset) override;
    /// What the frame of this result has to say, and takes `outcome` if it lies in the arena. Empty:
    /// nothing was lent.
    std::optional<lease_note> close_lease(byte_buffer& outcome);

private:
    using pieces = std::vector<std::shared_ptr<const void>>;
    bool open_lease() noexcept;

    std::size_t const size_;
    memory_mapping const table_memory_;
    lease_table* const table_;
    std::shared_ptr<shared_arena> arena_;
    std::array<pieces, lease_table::size> lent_;
    std::optional<std::size_t> open_;  // the lease of the result that is being encoded
};

class result_lease;

/// The application's side. Shared with all that is still lent: it outlives the worker.
class result_memory : public std::enable_shared_from_this<result_memory> {
public:
    /// std::system_error.
    explicit result_memory(int memory);

    /// The outcome that follows a lease_note, and the lease, which ends with the last that holds it. One
    /// that lies in the memory is copied first, since a worker that has run wild may still be writing
    /// to it: what is checked must not change before it is used. Empty if it is not there, or is
    /// of more than `most` bytes.
    std::span<const std::byte> open(
        std::span<const std::byte> noted,
        byte_buffer& copy,
        std::shared_ptr<result_lease>& lease,
        std::uint64_t most = std::numeric_limits<std::uint64_t>::max()
    );

private:
    std::shared_ptr<result_lease> take_lease(std::uint64_t number);
    friend result_lease;
    owning_process owner_;
    memory_mapping const table_memory_;
    lease_table* const table_;
    memory_mapping const pieces_;  // to be read only
};

class result_lease final : public shared_borrower,
                           public std::enable_shared_from_this<result_lease> {
public:
    result_lease(std::shared_ptr<result_memory> memory, std::size_t number) noexcept
        : memory_(std::move(memory)), number_(number) {}
    ~result_lease();
    result_lease(const result_lease&) = delete;
    result_lease& operator=(const result_lease&) = delete;

    std::shared_ptr<const std::byte> borrow(std::uint64_t offset, std::uint64_t size) override;

private:
    std::shared_ptr<result_memory> const memory_;
    std::size_t const number_;
};

/// The arguments as a worker sees them. What a job borrows is on one lease, and if that is still held
/// when the job is over, the application has to leave its arguments alone until the worker ends.
class borrowed_arguments final : public shared_borrower {
public:
    /// std::system_error.
    explicit borrowed_arguments(int memory);

    /// Empty if it is not in the memory.
    std::span<const std::byte> bytes(const shared_place& place) const noexcept;
    std::shared_ptr<const std::byte> borrow(std::uint64_t offset, std::uint64_t size) override;
    /// The job is over: whether something of it is still held.
    bool end_job() noexcept;

    std::size_t size() const noexcept { return memory_.size(); }

private:
    memory_mapping const memory_;
    std::shared_ptr<const char> lease_;
};

}  // namespace green::detail
