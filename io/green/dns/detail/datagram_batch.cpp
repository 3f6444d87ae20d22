#include <green/dns/detail/datagram_batch.hpp>

#include <green/dns/detail/wire_socket.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace green::detail {

bool datagram_outbox::add(wire_socket& from, std::span<const iovec> parts) noexcept {
    if (letters_.size() == capacity) flush();
    if (letters_.size() == capacity) return false;
    letter& l = letters_.emplace_back();
    l.from = &from;
    l.size = 0;
    for (const iovec& part : parts) {
        if (part.iov_len > largest - l.size) {
            letters_.pop_back();
            return false;
        }
        std::memcpy(l.bytes.data() + l.size, part.iov_base, part.iov_len);
        l.size += part.iov_len;
    }
    return true;
}

/// Sends letters of one socket. How many have been dealt with, sent or dropped.
std::size_t datagram_outbox::send_run(std::size_t first, std::size_t count) noexcept {
    std::array<iovec, capacity> parts;
    std::array<mmsghdr, capacity> messages;
    for (std::size_t i = 0; i < count; ++i) {
        letter& l = letters_[first + i];
        parts[i] = {l.bytes.data(), l.size};
        messages[i] = {};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    wire_socket& from = *letters_[first].from;
    std::size_t sent = 0;
    while (sent < count) {
        int const n = sendmmsg(
            from.fd, messages.data() + sent, static_cast<unsigned>(count - sent), MSG_NOSIGNAL
        );
        if (n > 0) {
            sent += static_cast<std::size_t>(n);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS) {
            return sent;
        } else if (errno != EINTR) {
            from.error = errno;
            return count;
        }
    }
    return sent;
}

bool datagram_outbox::flush() noexcept {
    bool failed = false;
    auto kept = letters_.begin();
    for (std::size_t first = 0; first < letters_.size();) {
        wire_socket* const from = letters_[first].from;
        std::size_t end = first + 1;
        while (end < letters_.size() && letters_[end].from == from) ++end;
        std::size_t const dealt = send_run(first, end - first);
        failed = failed || from->error != 0;
        from->blocked = from->blocked || first + dealt != end;  // until libuv says otherwise
        for (std::size_t i = first + dealt; i < end; ++i) *kept++ = letters_[i];
        first = end;
    }
    letters_.erase(kept, letters_.end());
    return failed;
}

void datagram_outbox::forget(const wire_socket& socket) noexcept {
    std::erase_if(letters_, [&](const letter& l) { return l.from == &socket; });
}

datagram_inbox::datagram_inbox() : bytes_(capacity * largest) {
    for (std::size_t i = 0; i < capacity; ++i) {
        parts_[i] = {bytes_.data() + i * largest, largest};
        messages_[i].msg_hdr.msg_iov = &parts_[i];
        messages_[i].msg_hdr.msg_iovlen = 1;
    }
}

int datagram_inbox::fill(const wire_socket& of) noexcept {
    int const n = recvmmsg(of.fd, messages_.data(), capacity, MSG_DONTWAIT, nullptr);
    owner_ = &of;
    next_ = 0;
    count_ = n > 0 ? static_cast<std::size_t>(n) : 0;
    return n;
}

std::span<const std::byte> datagram_inbox::take() noexcept {
    const mmsghdr& m = messages_[next_];
    const std::byte* const data = bytes_.data() + next_++ * largest;
    return {data, m.msg_hdr.msg_flags & MSG_TRUNC ? 0 : m.msg_len};
}

void datagram_inbox::forget(const wire_socket& socket) noexcept {
    if (owner_ == &socket) owner_ = nullptr;
}

}  // namespace green::detail
