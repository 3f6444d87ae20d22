#pragma once

#include <green/executor/byte_buffer.hpp>

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace green {

namespace detail {
class shared_lender;
}  // namespace detail

/// Writes values as bytes, for a `decoder` of the same program in another process. The bytes are
/// appended to a buffer that somebody else owns and that outlives the encoder.
///
/// A `codec<T>` of your own writes its parts with `put`.
class encoder {
public:
    explicit encoder(byte_buffer& out) noexcept : out_(out) {}
    /// Internal: one for a reader that shares memory with this process.
    encoder(byte_buffer& out, detail::shared_lender* lender) noexcept
        : out_(out), lender_(lender) {}

    /// Appends `size` bytes as they are.
    void write(const void* bytes, std::size_t size) {
        if (size != 0) std::memcpy(out_.extend(size), bytes, size);
    }

    /// Appends a length or an index: one byte for those below 255.
    void write_size(std::size_t n) {
        if (n < 0xff) {
            *out_.extend(1) = static_cast<std::byte>(n);
        } else {
            write_big_size(n);
        }
    }

    /// Appends a value by its codec. codec_error if this value cannot be sent.
    template <class T>
    void put(const T& value);

    /// What has been written, with all that was in the buffer before.
    byte_buffer& buffer() noexcept { return out_; }
    /// Internal: who knows what the reader sees as well. Null: nobody.
    detail::shared_lender* lender() const noexcept { return lender_; }

    /// One level of nested containers, for as long as it lives. codec_error beyond a limit: a value
    /// that could not be decoded is not sent.
    class level {
    public:
        explicit level(encoder& e) : depth_(e.depth_) {
            if (depth_ == deepest) too_deep();
            ++depth_;
        }
        ~level() { --depth_; }
        level(const level&) = delete;
        level& operator=(const level&) = delete;

    private:
        std::size_t& depth_;
    };

    /// Containers in containers at most. Bounds the stack that a torn or hostile message can take.
    static constexpr std::size_t deepest = 200;

private:
    void write_big_size(std::size_t n);
    [[noreturn]] static void too_deep();

    byte_buffer& out_;
    detail::shared_lender* lender_ = nullptr;
    std::size_t depth_ = 0;
};

}  // namespace green
