#pragma once

#include <green/sync/exchange.hpp>
#include <green/sync/ring_buffer.hpp>
#include <green/sync/select.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace green {

namespace detail {
inline constexpr exchange_words channel_words{"channel.send", "channel.receive"};
}  // namespace detail

/// Hands values from tasks to tasks, in order; its end is a value, not an error. With a capacity of 0 (the
/// default) a sender waits until its value is taken; otherwise until there is room. For jobs that are to
/// be accounted for (`task_done`, `join`), and for an unbounded one, see `queue`; across threads
/// `thread_queue`.
///
/// **order:** senders and receivers first come, first served.
///
/// Loop-affine. Must outlive its waiters. `T` is movable. Models: Go's channels, trio.MemoryChannel.
///
///     channel<int> squares(16);
///     spawn([&]() -> task<> {
///         for (int i = 0; i < 100; ++i) co_await squares.send(i * i);
///         squares.close();
///     });
///     while (auto n = co_await squares.receive()) use(*n);
template <std::move_constructible T>
class channel {
    using buffer = detail::ring_buffer<T>;

public:
    class receive_awaitable;
    using send_awaitable = detail::put_awaitable<T, buffer>;

    explicit channel(std::size_t capacity = 0) noexcept
        : exchange_(capacity, detail::channel_words) {}

    /// `co_await c.send(value)`: returns when a receiver has the value, or the buffer. closed_error if
    /// the channel is closed, also while it waits.
    /// **cancel:** total: the value was not sent.
    [[nodiscard]] send_awaitable send(T value) { return {exchange_, std::move(value)}; }
    /// False, and `value` is untouched, if it would have to wait. closed_error if closed.
    bool try_send(T&& value) { return exchange_.try_put(value); }
    bool try_send(const T& value)
        requires std::copy_constructible<T>
    {
        T copy(value);
        return exchange_.try_put(copy);
    }

    /// `auto v = co_await c.receive()`: a value, or none when the channel is closed and all that it held
    /// has been received.
    /// **cancel:** total: no value was taken.
    [[nodiscard]] receive_awaitable receive() noexcept { return receive_awaitable(exchange_); }
    /// None if it would have to wait, or there will never be one.
    std::optional<T> try_receive() {
        std::optional<T> value;
        exchange_.try_get(value);
        return value;
    }

    /// Nothing can be sent any more; senders that wait get closed_error. What is buffered can still be
    /// received, then receivers get an empty optional. Again: nothing happens.
    void close() { exchange_.close(); }
    bool closed() const noexcept { return exchange_.closed(); }

    /// Values in the buffer.
    std::size_t size() const noexcept { return exchange_.size(); }
    std::size_t capacity() const noexcept { return exchange_.capacity(); }

    void set_name(std::string_view name) { exchange_.set_name(name); }
    std::string_view name() const noexcept { return exchange_.name(); }

private:
    detail::exchange<T, buffer> exchange_;
};

template <std::move_constructible T>
class channel<T>::receive_awaitable final
    : public detail::get_awaitable<T, typename channel<T>::buffer> {
    using base = detail::get_awaitable<T, buffer>;

public:
    using base::base;
    bool ready() { return base::ready() || this->source().closed(); }
    std::optional<T> result() {
        this->throw_if_orphaned();
        // Not the optional as a whole: its parts were written one by one, and a processor cannot
        // forward two small stores to one big load.
        if (!this->item()) return std::nullopt;
        return std::optional<T>(std::in_place, std::move(*this->item()));
    }
};

}  // namespace green
