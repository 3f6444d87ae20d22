#pragma once

// Internal: what the operations of a stream give, each an awaitable without a coroutine of its own.

#include <green/net/chunk.hpp>
#include <green/net/const_buffer.hpp>
#include <green/net/detail/poll_handle.hpp>
#include <green/net/detail/read_ahead.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct iovec;

namespace green::detail {

class stream_state;

class stream_operation : public poll_operation {
protected:
    stream_operation(poll_handle& h, poll_direction d, const char* verb) noexcept
        : poll_operation(h, d, verb) {}

    stream_state& stream() const noexcept;

    // More values of error_.
    static constexpr int stream_broken = -2;
    static constexpr int end_of_stream = -3;
    static constexpr int delimiter_not_found = -4;

    /// To begin `result()` with.
    void check() const {
        if (error_ != 0) [[unlikely]]
            fail();
    }
    /// `detail` is added to the text: `read tcp 10.0.0.1:80, after 3 of 8 bytes`.
    [[noreturn]] void fail(std::string_view detail = {}) const;
};

/// What `read_some` gives.
class [[nodiscard]] read_some_operation final : public stream_operation {
public:
    read_some_operation(poll_handle& h, std::span<std::byte> into) noexcept
        : stream_operation(h, poll_direction::read, "read"), into_(into) {}

    std::size_t result() const {
        check();
        return size_;
    }

private:
    bool attempt(int fd) noexcept override;

    std::span<std::byte> into_;
    std::size_t size_ = 0;
};

/// What `read` gives.
class [[nodiscard]] read_operation final : public stream_operation {
public:
    explicit read_operation(poll_handle& h) noexcept
        : stream_operation(h, poll_direction::read, "read") {}
    /// Before it is awaited only.
    read_operation(const read_operation& o) noexcept : stream_operation(o) {}

    chunk result() {
        check();
        return std::move(chunk_);
    }

private:
    bool attempt(int fd) noexcept override;
    bool fill(stream_state& s) noexcept;

    chunk chunk_;
};

/// What `read_exactly` gives.
class [[nodiscard]] read_exactly_operation final : public stream_operation {
public:
    read_exactly_operation(poll_handle& h, std::span<std::byte> into) noexcept
        : stream_operation(h, poll_direction::read, "read"), into_(into) {}

    bool cancel() noexcept override;
    void result() const;

private:
    bool attempt(int fd) noexcept override;
    bool put_back() noexcept;

    std::span<std::byte> into_;
    std::size_t size_ = 0;
};

/// What `read_until` gives.
class [[nodiscard]] read_until_operation final : public stream_operation {
public:
    read_until_operation(poll_handle& h, std::string_view delimiter, std::size_t limit);

    std::string result();

private:
    bool attempt(int fd) noexcept override;
    bool look();

    std::string_view delimiter_;
    std::size_t limit_;
    delimiter_search search_;
    std::string found_;
};

/// What `write_all` gives.
class [[nodiscard]] write_operation final : public stream_operation {
public:
    write_operation(poll_handle& h, const_buffer data) noexcept
        : stream_operation(h, poll_direction::write, "write"), one_(data) {}
    write_operation(poll_handle& h, std::span<const const_buffer> list) noexcept
        : stream_operation(h, poll_direction::write, "write"), list_(list) {}
    /// The descriptors go with the first byte.
    write_operation(poll_handle& h, const_buffer data, std::span<const int> descriptors) noexcept
        : stream_operation(h, poll_direction::write, "write"),
          one_(data),
          descriptors_(descriptors) {}

    bool cancel() noexcept override;
    void result() const { check(); }

private:
    bool attempt(int fd) noexcept override;
    bool send_one(stream_state& s) noexcept;
    bool send_list(stream_state& s) noexcept;
    std::ptrdiff_t send(stream_state& s, std::span<iovec> parts) const noexcept;
    bool failed(int error) noexcept;
    void advance(std::size_t sent) noexcept;
    void give_up() noexcept;

    const_buffer one_;
    std::span<const const_buffer> list_;  // null: the one
    std::span<const int> descriptors_;
    std::size_t next_ = 0;  // buffers of the list that have gone
    std::size_t offset_ = 0;  // bytes of the next one that have gone
    bool started_ = false;  // some bytes have gone
};

/// What `shutdown_write` gives.
class [[nodiscard]] shutdown_operation final : public stream_operation {
public:
    explicit shutdown_operation(poll_handle& h) noexcept
        : stream_operation(h, poll_direction::write, "shut down") {}

    void result() const { check(); }

private:
    bool attempt(int fd) noexcept override;
};

/// What unix_stream::receive_descriptors gives: how many bytes have come.
class [[nodiscard]] receive_descriptors_operation final : public stream_operation {
public:
    receive_descriptors_operation(
        poll_handle& h, std::span<std::byte> into, std::vector<owned_fd>& descriptors
    ) noexcept
        : stream_operation(h, poll_direction::read, "read"),
          into_(into),
          descriptors_(&descriptors) {}

    std::size_t result() const {
        check();
        return size_;
    }

private:
    bool attempt(int fd) noexcept override;

    std::span<std::byte> into_;
    std::vector<owned_fd>* descriptors_;
    std::size_t size_ = 0;
};

/// What `close` gives: it is closed already.
class close_operation final : public leaf {
public:
    bool ready() const noexcept { return true; }
    void start() const noexcept {}
    void result() const noexcept {}
    bool cancel() noexcept override { return true; }
    void describe(std::string& out) const override { out += "close"; }
};

}  // namespace green::detail
