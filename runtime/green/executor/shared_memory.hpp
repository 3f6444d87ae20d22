#pragma once

// Internal: memory that several processes see.
//
//     application                                                   worker 1, worker 2, …
//     ───────────                                                   ─────────────────────
//     arguments: one shared_arena for the executor ───────────────► mapped, to be read only
//     results of worker 1: to be read only ◄─────────────────────── one shared_arena for the worker
//     results of worker 2 …
//
// Who writes to a memory also decides what lies where in it, and keeps that to itself: what another
// process does can spoil the content, never the order. A worker cannot write to arguments, so what a
// job destroys are its own results.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/descriptor.hpp>
#include <green/executor/owning_process.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

namespace green::detail {

/// A call or reply of at least this size goes through shared memory, if there is room.
inline constexpr std::size_t smallest_shared = std::size_t{1} << 18;

/// The pages of a file of memory, for as long as this lives.
class memory_mapping {
public:
    memory_mapping() = default;
    /// `size` bytes from `offset` on; none if it is 0. `protection` as for mmap. std::system_error.
    memory_mapping(int memory, std::size_t offset, std::size_t size, int protection);
    memory_mapping(memory_mapping&& o) noexcept
        : at_(std::exchange(o.at_, nullptr)), size_(std::exchange(o.size_, 0)) {}
    memory_mapping& operator=(memory_mapping&&) = delete;
    ~memory_mapping();

    std::byte* data() const noexcept { return at_; }
    std::size_t size() const noexcept { return size_; }
    /// Where these bytes are, if they are all in it.
    const std::byte* find(std::uint64_t offset, std::uint64_t count) const noexcept {
        return offset <= size_ && count <= size_ - offset ? at_ + offset : nullptr;
    }

private:
    std::byte* at_ = nullptr;
    std::size_t size_ = 0;
};

/// Anonymous memory that cannot be cut off under who has mapped it. No pages yet. std::system_error.
descriptor sealed_memory(const char* name, std::size_t size);
/// The same memory, and who gets this can only read it. std::system_error.
descriptor read_only(const descriptor& memory);
std::size_t size_of_memory(int memory) noexcept;
/// A memory with these bytes, for one reader; and what is in it. std::system_error.
descriptor memory_holding(const byte_buffer& bytes);
byte_buffer content_of(int memory);
/// An offset or size up to the next page.
std::size_t whole_pages(std::size_t size) noexcept;

/// Hands out pieces of a memory that is mapped once: the pages of a piece that was given back are there
/// for the next one, which is what makes it fast. A quarter of the arena keeps its pages; those behind
/// that go back to the system when they are free. All members may be called from any thread. In a fork
/// of the process there is no room, and nothing is given back: that memory is the parent's.
class shared_arena {
public:
    explicit shared_arena(memory_mapping memory);
    shared_arena(const shared_arena&) = delete;
    shared_arena& operator=(const shared_arena&) = delete;

    /// So many bytes, at the beginning of a page, as they were left. Null: there is no room, or the
    /// system has no memory.
    std::byte* allocate(std::size_t size) noexcept;
    /// Makes a piece longer where it lies. False: something is behind it.
    bool extend(std::byte* piece, std::size_t size) noexcept;
    void release(std::byte* piece) noexcept;

    bool contains(const std::byte* at) const noexcept {
        return at >= memory_.data() && at < memory_.data() + memory_.size();
    }
    /// Of something that it contains.
    std::uint64_t offset_of(const std::byte* at) const noexcept {
        return static_cast<std::uint64_t>(at - memory_.data());
    }
    /// Bytes handed out.
    std::size_t used() const;

private:
    bool ensure_pages(std::size_t from, std::size_t to) noexcept;
    void drop_pages(std::size_t from, std::size_t to) noexcept;
    void put_back(std::map<std::size_t, std::size_t>::node_type piece) noexcept;

    owning_process owner_;
    memory_mapping const memory_;
    std::size_t const kept_;  // what lies before keeps its pages
    mutable std::mutex mutex_;
    // Sizes by offset. A piece's node wanders from one to the other.
    std::map<std::size_t, std::size_t> free_;
    std::map<std::size_t, std::size_t> taken_;
    std::size_t touched_ = 0;  // what lies before has its pages
};

/// What the application gives a worker to read arguments from, and where it writes them itself. Without
/// memory if the process has a limit of its address space (`ulimit -v`) or of the size of files.
struct shared_arguments {
    shared_arguments() = default;
    explicit shared_arguments(std::size_t size);

    std::shared_ptr<shared_arena> arena;  // null: there is none
    descriptor for_workers;
};
/// How much memory an executor may share, of what was asked for.
std::size_t allowed_arena_size(std::size_t wanted) noexcept;

}  // namespace green::detail
