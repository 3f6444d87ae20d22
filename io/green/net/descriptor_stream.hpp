#pragma once

#include <green/net/address.hpp>
#include <green/net/chunk.hpp>
#include <green/net/const_buffer.hpp>
#include <green/net/detail/poll_handle.hpp>
#include <green/net/detail/stream_operations.hpp>
#include <green/net/stream_error.hpp>

#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace green {

/// Reading and writing as tcp_stream, unix_stream and the ends of a pipe have it in common.
///
/// One task may read and one may write at a time; a second of either kind gets std::logic_error. An
/// operation does not wait if the kernel can do it at once. Loop-affine: a stream belongs to the loop on
/// which it was made, and closes with it. It may be moved, closed and destroyed while somebody waits
/// for it. There is no buffer for a connection that has nothing to say.
///
/// Errors are std::system_error with what was done, the peer and the cause:
/// `read tcp 10.0.0.1:5432: Connection reset by peer`. A peer that is gone is a disconnected_error; a
/// stream that was closed on this side, also while somebody waits, a closed_error.
class descriptor_stream {
public:
    using read_some_awaitable = detail::read_some_operation;
    using read_awaitable = detail::read_operation;
    using read_exactly_awaitable = detail::read_exactly_operation;
    using read_until_awaitable = detail::read_until_operation;
    using write_awaitable = detail::write_operation;
    using shutdown_awaitable = detail::shutdown_operation;
    using close_awaitable = detail::close_operation;

    /// Waits for at least one byte and puts what there is into the caller's memory, which has to stay
    /// until it returns. How many; 0 is the end of the stream, and for an empty span.
    /// **cancel:** total: nothing was taken.
    read_some_awaitable read_some(std::span<std::byte> into) noexcept { return {handle_, into}; }

    /// The same into a buffer on loan, of which there is none while it waits. Empty at the end.
    /// **cancel:** total.
    read_awaitable read() noexcept { return read_awaitable(handle_); }

    /// Fills all of the caller's memory. An end before that is an end_of_stream_error.
    /// **cancel:** total: what had come is what the next read gets. So it is after an error. Without the
    /// memory to keep it, it is lost, and instead of a cancel or that error there is a
    /// std::system_error (not_enough_memory).
    read_exactly_awaitable read_exactly(std::span<std::byte> into) noexcept {
        return {handle_, into};
    }

    /// All up to and with the delimiter, whose memory has to stay; at most `limit` bytes.
    /// Throws end_of_stream_error if the end comes first, std::system_error with
    /// stream_errc::delimiter_not_found if it is not among `limit` bytes, std::invalid_argument if it is
    /// empty. What had come is what the next read gets.
    /// **cancel:** total.
    read_until_awaitable read_until(std::string_view delimiter, std::size_t limit) {
        return {handle_, delimiter, limit};
    }

    /// Has written all of it to the kernel when it returns; waits while the kernel's buffer is full, and
    /// that is the back-pressure. The memory has to stay until then.
    /// **cancel:** terminal if some bytes have gone: a later write throws broken_stream_error, for what
    /// it wrote would stand behind half a message; reading goes on. Total if none have. The memory is
    /// not referred to any more. A timeout is a cancel, and an error breaks the stream likewise.
    write_awaitable write_all(std::span<const std::byte> data) noexcept {
        return {handle_, const_buffer(data)};
    }
    write_awaitable write_all(std::string_view text) noexcept {
        return {handle_, const_buffer(text)};
    }
    /// All of these in order, many with one system call. The list has to stay, too.
    write_awaitable write_all(std::span<const const_buffer> list) noexcept {
        return {handle_, list};
    }

    /// Ends the outgoing half: the peer reads what was written and then the end, and may still write.
    /// Does not wait. **cancel:** total.
    shutdown_awaitable shutdown_write() noexcept { return shutdown_awaitable(handle_); }

    /// Closes, at once, also without the co_await, which is there for streams that have to say goodbye
    /// (`byte_stream`). Who waits for the stream gets closed_error. A second time nothing happens. The
    /// destructor does the same. What was written still arrives, unless bytes that came were not read:
    /// then the kernel resets the connection.
    /// **cancel:** it is closed.
    close_awaitable close() noexcept {
        handle_.close();
        return {};
    }

    bool is_open() const noexcept { return handle_.fd() >= 0; }

    /// Of the system, for what is not here; -1 once closed. It remains the stream's.
    int native_handle() const noexcept { return handle_.fd(); }
    /// Closes, but for the descriptor, which is the caller's from now on. What was read ahead by
    /// `read_until` goes with the stream. None if it was closed.
    owned_fd release() noexcept { return handle_.release(); }

protected:
    explicit descriptor_stream(detail::poll_handle handle) noexcept : handle_(std::move(handle)) {}
    descriptor_stream(descriptor_stream&&) noexcept = default;
    descriptor_stream& operator=(descriptor_stream&&) noexcept = default;
    ~descriptor_stream() = default;

    detail::poll_handle& handle() noexcept { return handle_; }
    /// The descriptor for a call named `operation`; std::system_error (EBADF) once closed.
    int descriptor(const char* operation) const;
    address local_address_or_throw() const;
    address remote_address_or_throw() const;
    void set(const char* operation, int level, int option, int value);
    int get(const char* operation, int level, int option) const;

private:
    detail::poll_handle handle_;
};

}  // namespace green
