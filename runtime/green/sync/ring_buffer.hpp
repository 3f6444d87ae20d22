#pragma once

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

// Internal: a FIFO of values in one block.

namespace green::detail {

/// Grows by doubling, never shrinks but when it is cleared. (std::deque costs a division or a block per
/// some elements on the way; the standard library has no other queue.)
template <class T>
class ring_buffer {
public:
    ring_buffer() = default;
    ring_buffer(const ring_buffer&) = delete;
    ring_buffer& operator=(const ring_buffer&) = delete;
    ~ring_buffer() { clear(); }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    T& front() noexcept { return at(first_); }

    /// If the move of T throws nothing has changed; if it does while the buffer grows, and T cannot be
    /// copied, the elements that had been moved are in an unspecified state, as in a std::vector.
    void push(T&& value) {
        if (size_ == capacity_) grow();
        std::construct_at(slots_ + ((first_ + size_) & (capacity_ - 1)), std::move(value));
        ++size_;
    }
    void pop() noexcept {
        std::destroy_at(&front());
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
    }
    void clear() noexcept {
        while (!empty()) pop();
        if (slots_) std::allocator<T>().deallocate(slots_, capacity_);
        slots_ = nullptr;
        capacity_ = first_ = 0;
    }

private:
    T& at(std::size_t slot) noexcept { return slots_[slot]; }

    void grow() {
        std::size_t const capacity = capacity_ == 0 ? 8 : capacity_ * 2;  // a power of two
        T* const slots = std::allocator<T>().allocate(capacity);
        std::size_t moved = 0;
        try {
            for (; moved < size_; ++moved) {
                T& from = at((first_ + moved) & (capacity_ - 1));
                std::construct_at(slots + moved, std::move_if_noexcept(from));
            }
        } catch (...) {
            std::destroy_n(slots, moved);
            std::allocator<T>().deallocate(slots, capacity);
            throw;
        }
        std::size_t const size = size_;
        clear();
        slots_ = slots;
        capacity_ = capacity;
        size_ = size;
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace green::detail
