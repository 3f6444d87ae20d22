#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace green {

namespace detail {
class shared_borrower;
}  // namespace detail

/// Reads what an `encoder` has written. Every read is checked against the end of the bytes, which
/// somebody else owns and which outlive the decoder; all errors are codec_error.
class decoder {
public:
    explicit decoder(std::span<const std::byte> bytes) noexcept : decoder(bytes, nullptr) {}
    /// Internal: one for what a process has written that shares memory with this one.
    decoder(std::span<const std::byte> bytes, detail::shared_borrower* borrower) noexcept
        : begin_(bytes.data()), next_(begin_), end_(begin_ + bytes.size()), borrower_(borrower) {}

    /// Bytes that have not been read.
    std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - next_); }
    /// Bytes that have been read.
    std::size_t offset() const noexcept { return static_cast<std::size_t>(next_ - begin_); }

    /// Copies the next `size` bytes to `to`. `what` is for the message: "an int".
    void read(void* to, std::size_t size, const char* what) {
        if (size != 0) std::memcpy(to, take(size, what), size);
    }

    /// The next `size` bytes, in place and not aligned.
    const std::byte* take(std::size_t size, const char* what) {
        if (remaining() < size) too_short(size, what);
        const std::byte* const at = next_;
        next_ += size;
        return at;
    }

    /// What `encoder::write_size` wrote.
    std::size_t read_size(const char* what) {
        if (next_ != end_ && *next_ != std::byte{0xff}) return static_cast<std::size_t>(*next_++);
        return read_big_size(what);
    }

    /// A number of elements that take `size` bytes each, at least: never more than are left, so
    /// that memory may be taken for them. `size` is not 0.
    std::size_t read_count(std::size_t size, const char* what) {
        std::size_t const n = read_size(what);
        if (n > remaining() / size) bad_count(n, what);
        return n;
    }

    /// Reads a value by its codec.
    template <class T>
    T get();

    /// Throws unless everything has been read.
    void expect_end(const char* what) const {
        if (next_ != end_) left_over(what);
    }

    /// Internal: who finds what the writer has left in shared memory. Null: nobody.
    detail::shared_borrower* borrower() const noexcept { return borrower_; }

    /// Throws codec_error: `decode WHAT at byte 3 of 17: REASON`.
    [[noreturn]] void fail(const char* what, std::string_view reason) const;

    /// One level of nested containers, for as long as it lives; see encoder::level.
    class level {
    public:
        level(decoder& d, const char* what);
        ~level() { --depth_; }
        level(const level&) = delete;
        level& operator=(const level&) = delete;

    private:
        std::size_t& depth_;
    };

private:
    std::size_t read_big_size(const char* what);
    [[noreturn]] void too_short(std::size_t wanted, const char* what) const;
    [[noreturn]] void bad_count(std::size_t n, const char* what) const;
    [[noreturn]] void left_over(const char* what) const;

    const std::byte* begin_;
    const std::byte* next_;
    const std::byte* end_;
    detail::shared_borrower* borrower_;
    std::size_t depth_ = 0;
};

}  // namespace green
