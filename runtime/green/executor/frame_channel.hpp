#pragma once

// Internal: frames over a stream socket, from both ends.

#include <green/executor/byte_buffer.hpp>
#include <green/executor/worker_protocol.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <span>

namespace green::detail {

enum class io_state { done, blocked, broken };

/// A frame that has arrived. A small one lies in the reader until the next `fill`; a large one has
/// memory of its own.
struct frame {
    frame_header header;
    std::span<const std::byte> payload;
    byte_buffer own;
    bool lost = false;  // the payload: see frame_reader::drop_payload
};

inline void append(byte_buffer& to, std::span<const std::byte> bytes) {
    if (!bytes.empty()) std::memcpy(to.extend(bytes.size()), bytes.data(), bytes.size());
}

/// Cuts what arrives into frames.
class frame_reader {
public:
    /// Reads what there is; waits for it unless `flags` has MSG_DONTWAIT. `broken` is the end too.
    /// std::bad_alloc: nothing has been read.
    io_state fill(int socket, int flags);

    /// Of a large frame that has begun to arrive; null if there is none.
    const frame_header* arriving() const noexcept {
        return large_header_ ? &*large_header_ : nullptr;
    }
    /// There is no memory for that frame: what has come of its payload and what will come is dropped, and
    /// it is given out as lost. False: there is no such frame.
    bool drop_payload() noexcept;

    /// The next complete frame.
    std::optional<frame> next();

    /// What has come of a small frame that is not complete goes to `other`, where nothing else is left.
    /// Frames that this has given out stay.
    void give_rest_to(frame_reader& other);

private:
    std::optional<frame> finish_large();
    std::size_t buffered() const noexcept { return buffer_.size() - begin_; }

    byte_buffer buffer_;
    std::size_t begin_ = 0;  // what lies before has been given out
    byte_buffer large_;  // a frame in arrival that is too large for the buffer
    std::optional<frame_header> large_header_;
    bool lost_ = false;  // that frame
    std::uint64_t dropped_ = 0;  // of its payload
};

/// Collects frames and writes them with as few system calls as possible, never waiting.
class frame_writer {
public:
    /// Small payloads are copied. A large one stays where it is, kept alive by `owner`. std::bad_alloc:
    /// nothing will be written.
    void push(
        frame_header header,
        std::span<const std::byte> payload = {},
        std::shared_ptr<const void> owner = {}
    );

    /// Writes until all is gone or the socket is full.
    io_state flush(int socket) noexcept;

    bool empty() const noexcept { return pieces_.empty(); }

private:
    struct piece {
        byte_buffer copied;
        std::span<const std::byte> lent;
        std::shared_ptr<const void> owner;
        std::span<const std::byte> bytes() const noexcept { return owner ? lent : copied.bytes(); }
    };
    byte_buffer& open_piece();
    void forget(std::size_t count) noexcept;

    std::deque<piece> pieces_;
    std::size_t sent_ = 0;  // of the first piece
    byte_buffer spare_;  // a used piece's memory
};

/// Writes one frame, waiting as long as it takes. False: the other end is gone.
bool write_frame(int socket, frame_header header, std::span<const std::byte> payload = {}) noexcept;

}  // namespace green::detail
