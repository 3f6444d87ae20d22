#pragma once

#include <green/executor/codec.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace green {

template <class T>
class shared_array;

namespace detail {

class shared_arena;
struct shared_array_access;

inline constexpr std::size_t shared_alignment = 64;

/// Of an arena, or of the heap if that is full or null. std::bad_alloc.
std::shared_ptr<std::byte> allocate_shared_bytes(
    const std::shared_ptr<shared_arena>& arena, std::size_t size
);
/// Where a job builds its results; null outside of one.
const std::shared_ptr<shared_arena>& arena_of_this_worker() noexcept;

/// Knows which memory the reader of what is being encoded sees too.
class shared_lender {
public:
    /// Keeps the memory for the reader, and says where that finds it. False: it does not see it.
    virtual bool lend(const std::shared_ptr<const std::byte>& memory, std::uint64_t& offset) = 0;

protected:
    ~shared_lender() = default;
};

/// Finds what the writer of what is being decoded has lent.
class shared_borrower {
public:
    /// `size` bytes, which stay as long as the pointer or a copy of it. Null: there are no such bytes.
    virtual std::shared_ptr<const std::byte> borrow(std::uint64_t offset, std::uint64_t size) = 0;

protected:
    ~shared_borrower() = default;
};

/// The place of an array, or its content.
void encode_shared(
    encoder& e, const std::shared_ptr<const std::byte>& memory, std::size_t count, std::size_t size
);
struct arrived_array {
    std::shared_ptr<const std::byte> memory;
    std::size_t count = 0;
};
arrived_array decode_shared(decoder& d, std::size_t element, std::size_t alignment);

}  // namespace detail

/// An array in memory that an application and its worker processes share: what is built in it is
/// there for the other side, without having been copied. For arguments and results from some 100 KiB up;
/// a std::vector is sent as well, with a copy at each end.
///
/// `process_executor::allocate_shared<T>(n)` makes one for an argument, `allocate_shared<T>(n)` in a job
/// one for its result. As long as it is a `shared_array<T>` it has one owner, who builds it. A job takes
/// and returns `shared_array<const T>`, which it becomes by a move: nobody writes to it from then on, in
/// the other process nobody can, and it may have many owners and go to many jobs. `T` is a number, an
/// enum, or a struct of those without padding: a type of which all bytes are values.
///
///     shared_array<double> samples = pool.allocate_shared<double>(n);
///     std::ranges::generate(samples, measure);
///     double mean = co_await pool.run(mean_of, std::move(samples));
///
/// where `double mean_of(shared_array<const double>)`. The memory is given back with its last owner,
/// here or in a job that it was sent to. It may outlive the executor, and the worker that has built it.
/// Moving leaves an empty array. A std::span of it is made as of a std::vector. The shared memory of an
/// executor is bounded (process_executor_options::arena_size): an array for which there is no room is
/// made in ordinary memory, and copied when it is sent; so is one that goes to another executor.
/// Model: std::unique_ptr<T[]> and std::shared_ptr<const T[]>, with a size; joblib's memory maps, which
/// are read-only too.
template <class T>
class shared_array {
    using value = std::remove_const_t<T>;
    static_assert(
        detail::is_bitwise<value>,
        "green: a shared_array is of numbers, enums, or structs of those without padding"
    );
    static_assert(alignof(value) <= detail::shared_alignment);

public:
    using element_type = T;
    using value_type = value;
    using size_type = std::size_t;
    using iterator = T*;

    shared_array() = default;
    shared_array(shared_array&& o) noexcept
        : memory_(std::move(o.memory_)), size_(std::exchange(o.size_, 0)) {}
    shared_array& operator=(shared_array&& o) noexcept {
        memory_ = std::move(o.memory_);
        size_ = std::exchange(o.size_, 0);
        return *this;
    }
    /// Another owner of the same memory.
    shared_array(const shared_array&) noexcept
        requires std::is_const_v<T>
    = default;
    shared_array& operator=(const shared_array&) noexcept
        requires std::is_const_v<T>
    = default;
    /// What was built is finished: from now on it is only read.
    shared_array(shared_array<value>&& built) noexcept  // NOLINT(google-explicit-constructor)
        requires std::is_const_v<T>
        : memory_(std::move(built.memory_)), size_(std::exchange(built.size_, 0)) {}

    T* data() const noexcept { return memory_.get(); }
    std::size_t size() const noexcept { return size_; }
    std::size_t size_bytes() const noexcept { return size_ * sizeof(T); }
    bool empty() const noexcept { return size_ == 0; }
    /// Not checked: `i` is less than size().
    T& operator[](std::size_t i) const noexcept { return memory_.get()[i]; }
    T* begin() const noexcept { return data(); }
    T* end() const noexcept { return data() + size_; }

private:
    friend shared_array<const value>;
    friend detail::shared_array_access;

    shared_array(std::shared_ptr<T> memory, std::size_t size) noexcept
        : memory_(std::move(memory)), size_(size) {}

    std::shared_ptr<T> memory_;  // shared with who reads it on the other side
    std::size_t size_ = 0;
};

namespace detail {

struct shared_array_access {
    /// Of bytes that `n` elements lie in.
    template <class T, class Byte>
    static shared_array<T> make(std::shared_ptr<Byte> bytes, std::size_t n) noexcept {
        auto* const first = reinterpret_cast<T*>(bytes.get());
        return shared_array<T>(std::shared_ptr<T>(std::move(bytes), first), n);
    }
    template <class T>
    static std::shared_ptr<const std::byte> bytes_of(const shared_array<T>& a) noexcept {
        return {a.memory_, reinterpret_cast<const std::byte*>(a.data())};
    }
};

template <class T>
shared_array<T> allocate_shared_in(const std::shared_ptr<shared_arena>& arena, std::size_t n) {
    if (n == 0) return {};
    if (n > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return shared_array_access::make<T>(allocate_shared_bytes(arena, n * sizeof(T)), n);
}

}  // namespace detail

/// In a job: `n` elements for its result, in memory that the application sees. Their values are
/// indeterminate. Elsewhere the memory is ordinary. std::bad_alloc.
template <class T>
shared_array<T> allocate_shared(std::size_t n) {
    return detail::allocate_shared_in<T>(detail::arena_of_this_worker(), n);
}

/// Sent as a place in shared memory if the reader has that, else by value.
template <class T>
struct codec<shared_array<const T>> {
    using parts = detail::types<T>;
    static constexpr std::size_t minimum_size() { return 2; }

    static void encode(encoder& e, const shared_array<const T>& a) {
        auto const bytes = detail::shared_array_access::bytes_of(a);
        detail::encode_shared(e, bytes, a.size(), a.size_bytes());
    }
    static shared_array<const T> decode(decoder& d) {
        auto arrived = detail::decode_shared(d, sizeof(T), alignof(T));
        return detail::shared_array_access::make<const T>(std::move(arrived.memory), arrived.count);
    }
};

}  // namespace green
