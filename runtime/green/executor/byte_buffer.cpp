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
    void* const moved = std::realloc(begin_.get(), wanted);
    if (moved == nullptr) throw std::bad_alloc();
    static_cast<void>(begin_.release());
    begin_.reset(static_cast<std::byte*>(moved));
    capacity_ = wanted;
}

}  // namespace green
