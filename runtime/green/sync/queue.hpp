#pragma once

#include <green/core/awaitable.hpp>
#include <green/sync/exchange.hpp>
#include <green/sync/ring_buffer.hpp>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace green {

/// What becomes of the items in a queue that is closed.
enum class close_mode {
    drain,  ///< they can still be got
    discard,  ///< they are dropped, and count as done
};

namespace detail {

inline constexpr exchange_words queue_words{"queue.put", "queue.get"};
inline constexpr exchange_words lifo_queue_words{"lifo_queue.put", "lifo_queue.get"};
inline constexpr exchange_words priority_queue_words{"priority_queue.put", "priority_queue.get"};

/// Last in, first out.
template <class T>
class stack_buffer {
public:
    bool empty() const noexcept { return items_.empty(); }
    std::size_t size() const noexcept { return items_.size(); }
    void push(T&& item) { items_.push_back(std::move(item)); }
    void take(std::optional<T>& out) {
        out.emplace(std::move(items_.back()));
        items_.pop_back();
    }
    std::vector<T> take_all() noexcept { return std::exchange(items_, {}); }

private:
    std::vector<T> items_;
};

/// The smallest first; of equals the one that came first.
template <class T, class Compare>
class heap_buffer {
public:
    explicit heap_buffer(Compare compare) : compare_(std::move(compare)) {}

    bool empty() const noexcept { return items_.empty(); }
    std::size_t size() const noexcept { return items_.size(); }

    // Both compare first and move then: std::push_heap and std::pop_heap lose an item if the comparison
    // throws.

    void push(T&& item) {
        std::size_t const last = items_.size();
        std::size_t place = last;
        // It is the youngest, so it passes only what is greater.
        while (place > 0 && compare_(std::as_const(item), items_[parent(place)].value())) {
            place = parent(place);
        }
        items_.emplace_back(std::move(item), count_++);
        if (place == last) return;
        entry moving = std::move(items_.back());
        for (std::size_t hole = last; hole != place; hole = parent(hole)) {
            items_[hole] = std::move(items_[parent(hole)]);
        }
        items_[place] = std::move(moving);
    }
    void take(std::optional<T>& out) {
        std::size_t const last = items_.size() - 1;
        std::size_t const place = place_below_top(items_[last], last);
        out.emplace(std::move(items_.front().value()));
        // The entries on the way from the top to `place` move up. Counted from one, the parent of n is
        // n / 2: the binary digits of `place` are the way.
        std::size_t hole = 0;
        for (int level = std::bit_width(place + 1) - 1; level-- > 0;) {
            std::size_t const child = ((place + 1) >> level) - 1;
            items_[hole] = std::move(items_[child]);
            hole = child;
        }
        if (place != last) items_[place] = std::move(items_[last]);
        items_.pop_back();
    }
    auto take_all() noexcept { return std::exchange(items_, {}); }

private:
    // What may throw when it is moved stays where it is: else a failure would tear a hole into the heap.
    static constexpr bool moves_freely = std::is_nothrow_move_constructible_v<T> &&
        std::is_nothrow_move_assignable_v<T>;

    class entry {
    public:
        entry(T&& item, std::uint64_t order) : item_(hold(std::move(item))), order_(order) {}

        T& value() noexcept {
            if constexpr (moves_freely) {
                return item_;
            } else {
                return *item_;
            }
        }
        const T& value() const noexcept { return const_cast<entry&>(*this).value(); }
        std::uint64_t order() const noexcept { return order_; }

    private:
        using holder = std::conditional_t<moves_freely, T, std::unique_ptr<T>>;
        static holder hold(T&& item) {
            if constexpr (moves_freely) {
                return static_cast<T&&>(item);
            } else {
                return std::make_unique<T>(std::move(item));
            }
        }

        holder item_;
        std::uint64_t order_;
    };

    static std::size_t parent(std::size_t i) noexcept { return (i - 1) / 2; }
    bool before(const entry& a, const entry& b) {
        if (compare_(a.value(), b.value())) return true;
        return a.order() < b.order() && !compare_(b.value(), a.value());
    }
    /// Where `e` goes when the top of the first `size` entries is taken away.
    std::size_t place_below_top(const entry& e, std::size_t size) {
        std::size_t place = 0;
        for (std::size_t child = 1; child < size; child = 2 * place + 1) {
            if (child + 1 < size && before(items_[child + 1], items_[child])) ++child;
            if (!before(items_[child], e)) break;
            place = child;
        }
        return place;
    }

    std::vector<entry> items_;
    std::uint64_t count_ = 0;
    Compare compare_;
};

[[noreturn]] void throw_too_many_done(const named& queue);

template <class T, class Buffer>
class basic_queue {
    using exchange_type = exchange<T, Buffer>;

public:
    class get_awaitable;
    class join_awaitable;
    using put_awaitable = detail::put_awaitable<T, Buffer>;

    basic_queue(const basic_queue&) = delete;
    basic_queue& operator=(const basic_queue&) = delete;

    /// `co_await q.put(item)`: returns when the item is in the queue, or with a getter that waits.
    /// closed_error if the queue is closed, also while it waits.
    /// **cancel:** total: the item is not in the queue. **order:** first come, first served.
    [[nodiscard]] put_awaitable put(T item) { return {exchange_, std::move(item)}; }
    /// False, and `item` is untouched, if the queue is full. closed_error if it is closed.
    bool try_put(T&& item) { return exchange_.try_put(item); }
    bool try_put(const T& item)
        requires std::copy_constructible<T>
    {
        T copy(item);
        return exchange_.try_put(copy);
    }

    /// `T item = co_await q.get()`: the next item. closed_error when the queue is closed and empty.
    /// **cancel:** total: no item was taken. **order:** first come, first served.
    [[nodiscard]] get_awaitable get() noexcept { return get_awaitable(exchange_); }
    /// None if the queue is empty. closed_error when it is closed and empty.
    std::optional<T> try_get() {
        std::optional<T> item;
        if (!exchange_.try_get(item) && closed()) exchange_.throw_no_item();
        return item;
    }

    /// An item that was got has been dealt with. More often than there were items: std::logic_error.
    void task_done() {
        if (unfinished() == 0) throw_too_many_done(exchange_);
        finish(1);
    }
    /// Items that were put and for which `task_done` has not been called.
    std::size_t unfinished() const noexcept { return exchange_.accepted() - done_; }
    /// `co_await q.join()`: until `unfinished()` is zero; at once if it is.
    /// **cancel:** total.
    [[nodiscard]] join_awaitable join() noexcept { return join_awaitable(*this); }

    /// From now on `put` throws closed_error, and so do the puts that wait. Gets take what is left, or
    /// nothing with `close_mode::discard`, and then throw too. May be called again, also to discard
    /// what a first call left. Model: queue.Queue.shutdown of Python 3.13.
    void close(close_mode mode = close_mode::drain) {
        exchange_.close(make_closed_error(exchange_, exchange_.words().get));
        if (mode == close_mode::discard) {
            auto const dropped = exchange_.take_items();
            // Some may have been called done before.
            finish(std::min(dropped.size(), unfinished()));
        }
    }
    bool closed() const noexcept { return exchange_.closed(); }

    /// Items in the queue.
    std::size_t size() const noexcept { return exchange_.size(); }
    bool empty() const noexcept { return size() == 0; }
    bool full() const noexcept { return size() >= exchange_.capacity(); }

    void set_name(std::string_view name) { exchange_.set_name(name); }
    std::string_view name() const noexcept { return exchange_.name(); }

protected:
    template <class... B>
    basic_queue(std::size_t maxsize, const exchange_words& words, B&&... buffer)
        : exchange_(
              maxsize == 0 ? static_cast<std::size_t>(-1) : maxsize,
              words,
              static_cast<B&&>(buffer)...
          ) {}
    ~basic_queue() = default;

private:
    void finish(std::size_t n) {
        done_ += n;
        if (unfinished() == 0) joiners_.grant_all();
    }

    exchange_type exchange_;
    std::size_t done_ = 0;
    wait_queue joiners_;
};

template <class T, class Buffer>
class basic_queue<T, Buffer>::get_awaitable final : public detail::get_awaitable<T, Buffer> {
    using base = detail::get_awaitable<T, Buffer>;

public:
    using base::base;
    bool ready() {
        if (base::ready()) return true;
        if (this->source().closed()) this->source().throw_no_item();
        return false;
    }
    T result() {
        this->throw_if_orphaned();
        if (!this->item()) std::rethrow_exception(this->end());
        return std::move(*this->item());
    }
};

template <class T, class Buffer>
class basic_queue<T, Buffer>::join_awaitable final : public wait_node {
public:
    explicit join_awaitable(basic_queue& q) noexcept : queue_(&q) {}
    bool ready() const noexcept { return queue_->unfinished() == 0; }
    void start() noexcept { queue_->joiners_.enlist(*this); }
    void result() const { throw_if_orphaned(); }
    void describe(std::string& out) const override {
        queue_->exchange_.describe(out, "queue.join");
        out += " (" + std::to_string(queue_->unfinished()) + " unfinished)";
    }

private:
    basic_queue* queue_;
};

}  // namespace detail

/// Jobs from tasks to tasks, first in, first out, with an account of what is done: Python's
/// `queue.Queue` for green tasks. To hand over values until an end see `channel`; across threads
/// `thread_queue`.
///
/// `maxsize` 0 is unbounded: better bound it, so that who puts faster than others get is held back.
///
/// Loop-affine. Must outlive its waiters. `T` is movable. Models: asyncio.Queue, queue.Queue.
///
///     queue<std::string> dishes(4);
///     co_await dishes.put("salad");
///     auto dish = co_await dishes.get();
///     dishes.task_done();
template <std::move_constructible T>
class queue final : public detail::basic_queue<T, detail::ring_buffer<T>> {
public:
    explicit queue(std::size_t maxsize = 0)
        : detail::basic_queue<T, detail::ring_buffer<T>>(maxsize, detail::queue_words) {}
};

/// A `queue` whose `get` takes the item that was put last. A put that waits is not in the queue yet.
template <std::move_constructible T>
class lifo_queue final : public detail::basic_queue<T, detail::stack_buffer<T>> {
public:
    explicit lifo_queue(std::size_t maxsize = 0)
        : detail::basic_queue<T, detail::stack_buffer<T>>(maxsize, detail::lifo_queue_words) {}
};

/// A `queue` whose `get` takes the smallest item, as Python's does (std::priority_queue takes the
/// greatest), and of equal ones the one that was put first. A put that waits is not in the queue yet.
/// A `compare` that throws has changed nothing. An item whose move may throw costs an allocation.
template <std::move_constructible T, class Compare = std::less<>>
class priority_queue final : public detail::basic_queue<T, detail::heap_buffer<T, Compare>> {
public:
    explicit priority_queue(std::size_t maxsize = 0, Compare compare = Compare())
        : detail::basic_queue<T, detail::heap_buffer<T, Compare>>(
              maxsize, detail::priority_queue_words, std::move(compare)
          ) {}
};

}  // namespace green
