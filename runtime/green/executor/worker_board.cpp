#include <green/executor/worker_board.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <sys/mman.h>

namespace green::detail {

worker_board::worker_board(int memory) {
    void* const at = ::mmap(nullptr, memory_size(), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    shared_ = static_cast<layout*>(at);  // all zero, as it begins
}

worker_board::~worker_board() { ::munmap(shared_, memory_size()); }

bool worker_board::begin(std::uint64_t n) noexcept {
    std::uint64_t expected = n << 1;
    if (shared_->turn.compare_exchange_strong(expected, (n + 1) << 1)) return true;
    std::uint64_t const resume_at = shared_->resume_at.load();
    if (n + 1 == resume_at) shared_->turn.store(resume_at << 1);  // the next one counts again
    return false;
}

std::uint64_t worker_board::begun() const noexcept { return shared_->turn.load() >> 1; }

std::optional<std::uint64_t> worker_board::take_back(std::uint64_t sent) noexcept {
    std::uint64_t turn = shared_->turn.load();
    if (turn & 1) return std::nullopt;
    shared_->resume_at.store(sent);
    while ((turn >> 1) < sent && !shared_->turn.compare_exchange_weak(turn, turn | 1)) {}
    return turn >> 1;
}

void worker_board::copy_in(std::uint64_t at, const void* bytes, std::size_t count) noexcept {
    if (count == 0) return;
    std::size_t const offset = at % ring_size;
    std::size_t const first = std::min(count, ring_size - offset);
    std::memcpy(shared_->ring.data() + offset, bytes, first);
    std::memcpy(shared_->ring.data(), static_cast<const std::byte*>(bytes) + first, count - first);
}

bool worker_board::post(frame_header header, std::span<const std::byte> payload) noexcept {
    header.size = payload.size();
    std::uint64_t const written = shared_->written.load(std::memory_order_relaxed);
    std::uint64_t const read = shared_->read.load(std::memory_order_acquire);
    std::size_t const needed = sizeof header + payload.size();
    if (payload.size() > largest_result || ring_size - (written - read) < needed) return false;
    copy_in(written, &header, sizeof header);
    copy_in(written + sizeof header, payload.data(), payload.size());
    shared_->written.store(written + needed, std::memory_order_release);
    return true;
}

bool worker_board::half_full() const noexcept {
    return shared_->written.load(std::memory_order_relaxed) -
        shared_->read.load(std::memory_order_relaxed) >
        ring_size / 2;
}

bool worker_board::collect(byte_buffer& out) {
    std::uint64_t const read = shared_->read.load(std::memory_order_relaxed);
    std::uint64_t const written = shared_->written.load(std::memory_order_acquire);
    std::uint64_t const count = written - read;
    if (count == 0) return true;
    if (count > ring_size) return false;
    std::size_t const offset = read % ring_size;
    std::size_t const first = std::min<std::size_t>(count, ring_size - offset);
    std::byte* const to = out.extend(count);
    std::memcpy(to, shared_->ring.data() + offset, first);
    std::memcpy(to + first, shared_->ring.data(), count - first);
    shared_->read.store(written, std::memory_order_release);
    return true;
}

}  // namespace green::detail
