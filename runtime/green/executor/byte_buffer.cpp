#include <green/executor/byte_buffer.hpp>

#include <algorithm>
#include <limits>
#include <new>

namespace green {

void byte_buffer::grow(std::size_t n) {
    constexpr std::size_t most = std::numeric_limits<std::ptrdiff_t>::max();
    if (n > most - size_) throw std::bad_alloc();
    // Doubling; realloc moves the pages of a big buffer instead of their content.
    std::size_t const wanted = std::max({size_ + n, std::min(capacity_ * 2, most), std::size_t{64}}
    );
    std::byte* const old = begin_.release();
    auto* const moved = static_cast<std::byte*>(std::realloc(old, wanted));
    begin_.reset(moved != nullptr ? moved : old);
    if (moved == nullptr) throw std::bad_alloc();
    capacity_ = wanted;
}

}  // namespace green
