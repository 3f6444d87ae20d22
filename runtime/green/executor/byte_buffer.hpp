#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

namespace green {

namespace detail {
class shared_arena;
}  // namespace detail

/// Bytes in a row that grow at the end, without being set to zero first. What an `encoder` writes
/// into. Pointers into it are good until it grows. std::bad_alloc when there is no memory.
class byte_buffer {
public:
    byte_buffer() = default;
    byte_buffer(byte_buffer&& o) noexcept
        : begin_(std::move(o.begin_)),
          size_(std::exchange(o.size_, 0)),
          capacity_(std::exchange(o.capacity_, 0)),
          arena_(o.arena_) {}
    byte_buffer& operator=(byte_buffer&& o) noexcept {
        begin_ = std::move(o.begin_);
        size_ = std::exchange(o.size_, 0);
        capacity_ = std::exchange(o.capacity_, 0);
        arena_ = o.arena_;
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

    /// Internal: one that takes its memory from `arena`, which outlives it, when it is large and there is
    /// room. Null: never.
    explicit byte_buffer(detail::shared_arena* arena) noexcept : arena_(arena) {}
    /// Internal: whether its memory is of the arena.
    bool in_arena() const noexcept { return begin_.get_deleter().arena != nullptr; }

private:
    struct release {
        // Written out: else unique_ptr sees it too late to know that it is default constructible.
        release() noexcept : arena(nullptr) {}
        explicit release(detail::shared_arena* a) noexcept : arena(a) {}
        detail::shared_arena* arena;
        void operator()(std::byte* p) const noexcept {
            if (arena == nullptr) {
                std::free(p);
            } else {
                give_back(*arena, p);
            }
        }
    };
    void grow(std::size_t n);
    void grow_to(std::size_t wanted);
    bool grow_in_arena(std::size_t wanted) noexcept;
    static void give_back(detail::shared_arena& arena, std::byte* p) noexcept;

    std::unique_ptr<std::byte, release> begin_;
    std::size_t size_ = 0;
    std::size_t capacity_ = 0;
    detail::shared_arena* arena_ = nullptr;
};

}  // namespace green
