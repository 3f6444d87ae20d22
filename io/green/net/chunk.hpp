#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace green {

/// Bytes in a buffer on loan: what `read()` of a stream gives. The buffer goes back when the chunk dies;
/// so an idle connection has none, and a busy server works in the few that are warm in its cache.
///
/// Each thread keeps the last 64 buffers of 64 KiB that came back to it, the latest on top. A chunk may
/// be destroyed on another thread than its own, and after its loop. It holds 64 KiB however little is in
/// it: copy out what has to stay.
///
///     for (;;) {
///         chunk const c = co_await s.read();  // none is held while it waits
///         if (c.empty()) break;
///         co_await s.write_all(c);
///     }
class chunk {
public:
    static constexpr std::size_t capacity = std::size_t{64} << 10;  ///< bytes

    /// Empty, without a buffer: the end of a stream.
    chunk() noexcept = default;
    chunk(chunk&& o) noexcept
        : buffer_(std::exchange(o.buffer_, nullptr)),
          begin_(std::exchange(o.begin_, 0)),
          end_(std::exchange(o.end_, 0)) {}
    chunk& operator=(chunk&& o) noexcept {
        if (this == &o) return *this;
        if (buffer_) give_back(buffer_);
        buffer_ = std::exchange(o.buffer_, nullptr);
        begin_ = std::exchange(o.begin_, 0);
        end_ = std::exchange(o.end_, 0);
        return *this;
    }
    ~chunk() {
        if (buffer_) give_back(buffer_);
    }

    /// A buffer to be filled, for adapters that make chunks of their own: `size()` is `capacity`.
    static chunk lease() { return chunk(take_buffer()); }
    /// Keeps the first `size` bytes only.
    void truncate(std::size_t size) noexcept {
        if (size < end_ - begin_) end_ = begin_ + size;
    }
    /// The first `count` bytes, at most all, have been dealt with.
    void remove_prefix(std::size_t count) noexcept {
        begin_ = count < end_ - begin_ ? begin_ + count : end_;
    }
    /// Gives the buffer back now.
    void reset() noexcept { *this = chunk(); }

    bool empty() const noexcept { return begin_ == end_; }
    std::size_t size() const noexcept { return end_ - begin_; }
    std::byte* data() noexcept { return buffer_ + begin_; }
    const std::byte* data() const noexcept { return buffer_ + begin_; }
    std::byte* begin() noexcept { return data(); }
    std::byte* end() noexcept { return buffer_ + end_; }
    const std::byte* begin() const noexcept { return data(); }
    const std::byte* end() const noexcept { return buffer_ + end_; }
    /// The bytes as text; valid as long as the chunk.
    std::string_view view() const noexcept {
        return {reinterpret_cast<const char*>(data()), size()};
    }

private:
    explicit chunk(std::byte* buffer) noexcept : buffer_(buffer), end_(capacity) {}
    static std::byte* take_buffer();
    static void give_back(std::byte* buffer) noexcept;

    std::byte* buffer_ = nullptr;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
};

}  // namespace green
