#include <green/executor/frame_channel.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/uio.h>

namespace green::detail {
namespace {

constexpr std::size_t large_payload = std::size_t{1} << 16;
constexpr std::size_t read_size = std::size_t{1} << 16;
/// Memory for a large frame is taken as it arrives, not as its header promises: the other process may
/// be one whose memory a job has overwritten.
constexpr std::size_t most_taken_ahead = std::size_t{1} << 23;

io_state receive(int socket, byte_buffer& into, std::size_t most, int flags) {
    std::size_t const before = into.size();
    std::byte* const room = into.extend(most);
    ssize_t got;
    do got = ::recv(socket, room, most, flags);
    while (got < 0 && errno == EINTR);
    into.truncate(before + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) return io_state::done;
    bool const later = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    return later ? io_state::blocked : io_state::broken;
}

}  // namespace

io_state frame_reader::fill(int socket, int flags) {
    if (lost_) {
        buffer_.clear();
        begin_ = 0;
        std::uint64_t const missing = large_header_->size - dropped_;
        io_state const state =
            receive(socket, buffer_, std::min<std::uint64_t>(missing, read_size), flags);
        dropped_ += buffer_.size();
        buffer_.clear();
        return state;
    }
    if (large_header_) {
        std::size_t const missing = large_header_->size - large_.size();
        return receive(socket, large_, std::min(missing, most_taken_ahead), flags);
    }
    if (begin_ != 0) {
        std::size_t const left = buffered();
        std::memmove(buffer_.data(), buffer_.data() + begin_, left);
        buffer_.truncate(left);
        begin_ = 0;
    }
    return receive(socket, buffer_, read_size, flags);
}

std::optional<frame> frame_reader::next() {
    if (large_header_) return finish_large();
    if (buffered() < sizeof(frame_header)) return std::nullopt;
    frame f;
    std::memcpy(&f.header, buffer_.data() + begin_, sizeof f.header);
    const std::byte* const payload = buffer_.data() + begin_ + sizeof f.header;
    std::size_t const there = buffered() - sizeof f.header;
    if (there >= f.header.size) {
        f.payload = {payload, static_cast<std::size_t>(f.header.size)};
        begin_ += sizeof f.header + f.payload.size();
        return f;
    }
    if (f.header.size < large_payload) return std::nullopt;
    large_.clear();
    std::memcpy(large_.extend(there), payload, there);
    large_header_ = f.header;
    begin_ = buffer_.size();
    return std::nullopt;
}

void frame_reader::give_rest_to(frame_reader& other) {
    other.buffer_.clear();
    other.begin_ = 0;
    append(other.buffer_, buffer_.bytes().subspan(begin_));
    buffer_.truncate(begin_);
}

bool frame_reader::drop_payload() noexcept {
    if (!large_header_) return false;
    if (!std::exchange(lost_, true)) dropped_ = large_.size();
    large_ = byte_buffer();
    return true;
}

std::optional<frame> frame_reader::finish_large() {
    if ((lost_ ? dropped_ : large_.size()) < large_header_->size) return std::nullopt;
    frame f;
    f.header = *std::exchange(large_header_, std::nullopt);
    f.lost = std::exchange(lost_, false);
    f.own = std::exchange(large_, byte_buffer());
    f.payload = f.own.bytes();
    return f;
}

// --- writing

void frame_writer::push(
    frame_header header, std::span<const std::byte> payload, std::shared_ptr<const void> owner
) {
    header.size = payload.size();
    bool const lend = owner && payload.size() >= large_payload;
    byte_buffer& piece = open_piece();
    std::size_t const before = piece.size();
    std::size_t const copied = sizeof header + (lend ? 0 : payload.size());
    std::byte* const to = piece.extend(copied);
    std::memcpy(to, &header, sizeof header);
    if (lend) {
        try {
            pieces_.push_back({{}, payload, std::move(owner)});
        } catch (...) {
            piece.truncate(before);  // a header without its payload
            throw;
        }
    } else if (!payload.empty()) {
        std::memcpy(to + sizeof header, payload.data(), payload.size());
    }
}

byte_buffer& frame_writer::open_piece() {
    if (pieces_.empty() || pieces_.back().owner) {
        spare_.clear();
        pieces_.push_back({std::move(spare_), {}, {}});
    }
    return pieces_.back().copied;
}

io_state frame_writer::flush(int socket) noexcept {
    while (!pieces_.empty()) {
        std::array<iovec, 16> parts{};
        std::size_t count = 0;
        for (const piece& p : pieces_) {
            auto const bytes = count == 0 ? p.bytes().subspan(sent_) : p.bytes();
            parts[count++] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
            if (count == parts.size()) break;
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        ssize_t const sent = ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent >= 0) {
            forget(static_cast<std::size_t>(sent));
        } else if (errno != EINTR) {
            return errno == EAGAIN || errno == EWOULDBLOCK ? io_state::blocked : io_state::broken;
        }
    }
    return io_state::done;
}

void frame_writer::forget(std::size_t count) noexcept {
    sent_ += count;
    while (!pieces_.empty() && sent_ >= pieces_.front().bytes().size()) {
        sent_ -= pieces_.front().bytes().size();
        if (!pieces_.front().owner) spare_ = std::move(pieces_.front().copied);
        pieces_.pop_front();
    }
}

bool write_frame(int socket, frame_header header, std::span<const std::byte> payload) noexcept {
    header.size = payload.size();
    std::array<iovec, 2> parts{
        iovec{&header, sizeof header}, iovec{const_cast<std::byte*>(payload.data()), payload.size()}
    };
    std::size_t first = 0;
    while (first < parts.size()) {
        if (parts[first].iov_len == 0) {
            ++first;
            continue;
        }
        msghdr message{};
        message.msg_iov = parts.data() + first;
        message.msg_iovlen = parts.size() - first;
        ssize_t sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0) return false;
        for (std::size_t i = first; i < parts.size() && sent > 0; ++i) {
            auto const taken =
                std::min<std::size_t>(parts[i].iov_len, static_cast<std::size_t>(sent));
            parts[i].iov_base = static_cast<std::byte*>(parts[i].iov_base) + taken;
            parts[i].iov_len -= taken;
            sent -= static_cast<ssize_t>(taken);
        }
    }
    return true;
}

}  // namespace green::detail
