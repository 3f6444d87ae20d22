#pragma once

// Internal: the memory that a worker shares with the application.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/worker_protocol.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace green::detail {

/// Memory that outlives the worker: which job it has begun, and what it has finished and not yet
/// announced. So a crash is charged to the job that crashed, no finished result is lost with the
/// process, and jobs that a worker has been sent but has not begun can be taken back from it.
///
/// The application believes nothing that is in it: a job may have written anywhere.
class worker_board {
public:
    /// Results up to here go onto the board, larger ones through the socket.
    static constexpr std::size_t largest_result = std::size_t{1} << 12;
    static constexpr std::size_t memory_size() noexcept { return sizeof(layout); }

    /// Maps what shared_memory(…, memory_size()) made. std::system_error.
    explicit worker_board(int memory);
    ~worker_board();
    worker_board(const worker_board&) = delete;
    worker_board& operator=(const worker_board&) = delete;

    // --- the worker
    /// Its job number `n`, counted as they arrive, is about to begin. False: it was taken back.
    bool begin(std::uint64_t n) noexcept;
    /// A result, if there is room.
    bool post(frame_header header, std::span<const std::byte> payload) noexcept;
    bool half_full() const noexcept;

    // --- the application
    /// How many jobs have begun.
    std::uint64_t begun() const noexcept;
    /// Takes back what has not begun of the first `sent` jobs: the number of those begun. Empty: the
    /// worker has not yet seen that it was taken back before.
    std::optional<std::uint64_t> take_back(std::uint64_t sent) noexcept;
    /// Appends the results that are there, as frames. False: this is no ring any more.
    bool collect(byte_buffer& out);

private:
    static constexpr std::size_t ring_size = std::size_t{1} << 16;

    struct layout {
        /// Twice the number of jobs begun, in the order in which they were sent; plus 1 when those
        /// not begun have been taken back.
        std::atomic<std::uint64_t> turn;
        /// Then: the number of the first job that is to run again.
        std::atomic<std::uint64_t> resume_at;
        /// Bytes ever written to the ring, and read from it.
        alignas(64) std::atomic<std::uint64_t> written;
        alignas(64) std::atomic<std::uint64_t> read;
        alignas(64) std::array<std::byte, ring_size> ring;
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

    void copy_in(std::uint64_t at, const void* bytes, std::size_t count) noexcept;

    layout* shared_;
};

}  // namespace green::detail
