#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

// Internal: a FIFO of values in one block.

namespace green::detail {

/// Grows by doubling, never shrinks but when all is taken. (std::deque costs a division or a block per
/// some elements on the way; the standard library has no other queue.)
template <class T>
class ring_buffer {
public:
    ring_buffer() = default;
    ring_buffer(ring_buffer&& o) noexcept { swap(o); }
    ring_buffer& operator=(ring_buffer&& o) noexcept {
        ring_buffer(std::move(o)).swap(*this);
        return *this;
    }
    ~ring_buffer() {
        for (std::size_t i = 0; i < size_; ++i) std::destroy_at(slot(i));
        if (slots_) std::allocator<T>().deallocate(slots_, capacity_);
    }

    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }

    /// If the move of T throws nothing has changed; if it does while the buffer grows, and T cannot be
    /// copied, the elements that had been moved are in an unspecified state, as in a std::vector.
    void push(T&& value) {
        if (size_ == capacity_) grow();
        append(std::move(value));
    }
    /// The first one. If its move throws nothing has changed.
    void take(std::optional<T>& out) {
        T* const first = slot(0);
        out.emplace(std::move(*first));
        std::destroy_at(first);
        first_ = (first_ + 1) & (capacity_ - 1);
        --size_;
    }
    /// All elements; it is empty then, and without memory.
    ring_buffer take_all() noexcept { return std::move(*this); }

private:
    T* slot(std::size_t i) const noexcept { return slots_ + ((first_ + i) & (capacity_ - 1)); }

    template <class U>
    void append(U&& value) {
        std::construct_at(slot(size_), static_cast<U&&>(value));
        ++size_;
    }
    [[gnu::noinline]] void grow() {
        ring_buffer larger;
        std::size_t const capacity = capacity_ == 0 ? 8 : capacity_ * 2;  // a power of two
        larger.slots_ = std::allocator<T>().allocate(capacity);
        larger.capacity_ = capacity;
        for (std::size_t i = 0; i < size_; ++i) larger.append(std::move_if_noexcept(*slot(i)));
        swap(larger);
    }
    void swap(ring_buffer& o) noexcept {
        std::swap(slots_, o.slots_);
        std::swap(capacity_, o.capacity_);
        std::swap(first_, o.first_);
        std::swap(size_, o.size_);
    }

    T* slots_ = nullptr;
    std::size_t capacity_ = 0;
    std::size_t first_ = 0;
    std::size_t size_ = 0;
};

}  // namespace green::detail
