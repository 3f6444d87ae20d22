#include <green/net/detail/stream_operations.hpp>

#include <green/net/detail/stream_state.hpp>
#include <green/net/stream_error.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <new>
#include <stdexcept>

namespace green::detail {
namespace {

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Buffers of one system call.
constexpr std::size_t buffers_per_call = 64;

}  // namespace

stream_state& stream_operation::stream() const noexcept {
    return static_cast<stream_state&>(state());
}

void stream_operation::fail(std::string_view detail) const {
    if (error_ > stream_broken) poll_operation::fail(detail);
    std::string text;
    describe(text);
    text += detail;
    if (error_ == stream_broken) throw broken_stream_error(text);
    if (error_ == end_of_stream) throw end_of_stream_error(text);
    throw std::system_error(make_error_code(stream_errc::delimiter_not_found), text);
}

// --- reading

bool read_some_operation::attempt(int) noexcept {
    if (into_.empty()) return true;
    auto const got = stream().read(into_);
    size_ = got.size;
    error_ = got.error;
    return got.done;
}

bool read_operation::attempt(int) noexcept {
    stream_state& s = stream();
    return (!s.drained() || !s.ahead.empty()) && fill(s);  // else no buffer is taken
}

bool read_operation::fill(stream_state& s) noexcept {
    try {
        chunk_ = chunk::lease();
    } catch (const std::bad_alloc&) {
        error_ = ENOMEM;
        return true;
    }
    auto const got = s.read(chunk_);
    if (got.size > 0) {
        chunk_.truncate(got.size);
        return true;
    }
    chunk_.reset();
    error_ = got.error;
    return got.done;
}

bool read_exactly_operation::attempt(int) noexcept {
    while (size_ < into_.size()) {
        auto const got = stream().read(into_.subspan(size_));
        if (!got.done) return false;
        size_ += got.size;
        if (got.size > 0) continue;
        error_ = got.error != 0 ? got.error : end_of_stream;
        put_back();
        return true;
    }
    return true;
}

/// Without memory to put back what has come it is not cancelled, but fails.
bool read_exactly_operation::cancel() noexcept {
    poll_operation::cancel();
    bool const kept = put_back();
    if (!kept) waiter().wake();
    return kept;
}

/// No byte is lost: what has come is for the next one who reads. False, and an error, if there is no
/// memory for it.
bool read_exactly_operation::put_back() noexcept {
    if (size_ == 0) return true;
    try {
        stream().ahead.put_back(text_of(into_.first(size_)));
        return true;
    } catch (const std::bad_alloc&) {
        error_ = ENOMEM;
        return false;
    }
}

void read_exactly_operation::result() const {
    if (error_ == end_of_stream)
        fail(", after " + std::to_string(size_) + " of " + std::to_string(into_.size()) + " bytes");
    check();
}

read_until_operation::read_until_operation(
    poll_handle& h, std::string_view delimiter, std::size_t limit
)
    : stream_operation(h, poll_direction::read, "read"), delimiter_(delimiter), limit_(limit) {
    if (delimiter.empty()) throw std::invalid_argument("green: read_until: an empty delimiter");
}

/// True when what was read ahead decides it.
bool read_until_operation::look() {
    read_ahead& ahead = stream().ahead;
    std::size_t const size = search_.find(ahead.view(), delimiter_, limit_);
    if (size != delimiter_search::not_found) {
        found_ = ahead.take(size);
        return true;
    }
    if (ahead.size() < limit_) return false;
    error_ = delimiter_not_found;
    return true;
}

bool read_until_operation::attempt(int) noexcept {
    stream_state& s = stream();
    try {
        while (!look()) {
            if (s.drained()) return false;
            chunk buffer = chunk::lease();
            auto const got = s.receive(buffer);
            if (!got.done) return false;
            buffer.truncate(got.size);
            s.ahead.append(buffer.view());
            if (got.size > 0) continue;
            error_ = got.error != 0 ? got.error : end_of_stream;
            return true;
        }
    } catch (const std::bad_alloc&) {
        error_ = ENOMEM;
    }
    return true;
}

std::string read_until_operation::result() {
    if (error_ == end_of_stream) fail(", before the delimiter");
    if (error_ == delimiter_not_found) fail(", " + std::to_string(limit_) + " bytes");
    check();
    return std::move(found_);
}

// --- writing

bool write_operation::attempt(int) noexcept {
    stream_state& s = stream();
    if (s.broken) {
        error_ = stream_broken;
        return true;
    }
    return list_.data() ? send_list(s) : send_one(s);
}

bool write_operation::send_one(stream_state& s) noexcept {
    auto const rest = std::span(one_.data(), one_.size()).subspan(offset_);
    if (rest.empty()) return true;
    iovec part{const_cast<std::byte*>(rest.data()), rest.size()};
    ssize_t const n = descriptors_.empty() ? s.send(rest) : send(s, std::span(&part, 1));
    if (n < 0) return failed(errno);
    started_ = true;
    offset_ += static_cast<std::size_t>(n);
    return offset_ == one_.size();
}

bool write_operation::send_list(stream_state& s) noexcept {
    while (next_ < list_.size()) {
        std::array<iovec, buffers_per_call> parts;
        std::size_t count = 0;
        std::size_t total = 0;
        auto const rest = list_.subspan(next_);
        std::size_t skipped = offset_;
        for (const const_buffer& b : rest.first(std::min(rest.size(), parts.size()))) {
            parts[count++] = {const_cast<std::byte*>(b.data()) + skipped, b.size() - skipped};
            total += b.size() - std::exchange(skipped, 0);
        }
        ssize_t const n = total == 0 ? 0 : send(s, std::span(parts).first(count));
        if (n < 0) return failed(errno);
        advance(static_cast<std::size_t>(n));
        // A part only: the kernel's buffer is full, and epoll says when it is not.
        if (static_cast<std::size_t>(n) < total) return false;
    }
    return true;
}

std::ptrdiff_t write_operation::send(stream_state& s, std::span<iovec> parts) const noexcept {
    return descriptors_.empty() || started_ ? s.send(parts) : s.send(parts, descriptors_);
}

/// False if it is to be tried again.
bool write_operation::failed(int error) noexcept {
    if (would_block(error)) return false;
    error_ = error;
    give_up();
    return true;
}

void write_operation::advance(std::size_t sent) noexcept {
    if (sent > 0) started_ = true;
    sent += std::exchange(offset_, 0);
    while (next_ < list_.size() && sent >= list_[next_].size()) sent -= list_[next_++].size();
    offset_ = sent;
}

void write_operation::give_up() noexcept {
    if (started_) stream().broken = true;
}

bool write_operation::cancel() noexcept {
    give_up();
    return poll_operation::cancel();
}

bool receive_descriptors_operation::attempt(int) noexcept {
    auto const got = stream().read(into_, *descriptors_);
    size_ = got.size;
    error_ = got.error;
    return got.done;
}

bool shutdown_operation::attempt(int) noexcept {
    error_ = stream().broken ? stream_broken : stream().shut_down_writing();
    return true;
}

}  // namespace green::detail
