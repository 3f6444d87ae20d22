#include <green/executor/byte_buffer.hpp>

#include <green/executor/shared_memory.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace green {

void byte_buffer::grow(std::size_t n) {
    constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max();
    if (n > most - size_) throw std::bad_alloc();
    std::size_t const needed = size_ + n;
    if (arena_ != nullptr && needed >= detail::smallest_shared && grow_in_arena(needed)) return;
    grow_to(std::max({needed, std::min(capacity_ * 2, most), std::size_t{64}}));
}

void byte_buffer::grow_to(std::size_t wanted) {
    if (in_arena()) {
        auto* const moved = static_cast<std::byte*>(std::malloc(wanted));
        if (moved == nullptr) throw std::bad_alloc();
        std::memcpy(moved, begin_.get(), size_);
        begin_ = {moved, release()};
    } else {
        // realloc moves the pages of a big buffer instead of their content.
        std::byte* const old = begin_.release();
        auto* const moved = static_cast<std::byte*>(std::realloc(old, wanted));
        begin_.reset(moved != nullptr ? moved : old);
        if (moved == nullptr) throw std::bad_alloc();
    }
    capacity_ = wanted;
}

bool byte_buffer::grow_in_arena(std::size_t wanted) noexcept {
    // An arena gives pages, not addresses alone: a little more than is wanted, not twice as much.
    constexpr std::size_t slack = std::size_t{1} << 16;
    std::size_t const ample = wanted + (in_arena() ? wanted / 8 : slack);
    if (in_arena() && arena_->extend(begin_.get(), ample)) {
        capacity_ = ample;
        return true;
    }
    std::byte* const piece = arena_->allocate(ample);
    if (piece == nullptr) return false;
    if (size_ != 0) std::memcpy(piece, begin_.get(), size_);
    begin_ = {piece, release(arena_)};
    capacity_ = ample;
    return true;
}

void byte_buffer::give_back(detail::shared_arena& arena, std::byte* p) noexcept {
    arena.release(p);
}

}  // namespace green
