#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

namespace green {

/// Bytes in a row that grow at the end, without being set to zero first. What an `encoder` writes
/// into. Pointers into it are good until it grows. std::bad_alloc when there is no memory.
class byte_buffer {
public:
    byte_buffer() = default;
    byte_buffer(byte_buffer&& o) noexcept
        : begin_(std::move(o.begin_)),
          size_(std::exchange(o.size_, 0)),
          capacity_(std::exchange(o.capacity_, 0)) {}
    byte_buffer& operator=(byte_buffer&& o) noexcept {
        begin_ = std::move(o.begin_);
        size_ = std::exchange(o.size_, 0);
        capacity_ = std::exchange(o.capacity_, 0);
        return *this;
    }

    std::byte* data() noexcept { return begin_.get(); }
    const std::byte* data() const noexcept { return begin_.get(); }
    std::size_t size() const noexcept { return size_; }
    std::size_t capacity() const noexcept { return capacity_; }
    bool empty() const noexcept { return size_ == 0; }
    std::span<const std::byte> bytes() const noexcept { return {data(), size_}; }

    /// Makes room for `n` bytes more and returns where they begin; their content is not set.
    std::byte* extend(std::size_t n) {
        if (capacity_ - size_ < n) grow(n);
        return begin_.get() + std::exchange(size_, size_ + n);
    }
    /// Forgets all bytes from `size` on, which is at most size(). Keeps the memory.
    void truncate(std::size_t size) noexcept { size_ = size; }
    void clear() noexcept { size_ = 0; }
    /// Room for `n` bytes in all.
    void reserve(std::size_t n) {
        if (n > capacity_) grow(n - size_);
    }

private:
    void grow(std::size_t n);

    struct release {
        void operator()(std::byte* p) const noexcept { std::free(p); }
    };
    std::unique_ptr<std::byte, release> begin_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace green
