#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/time.hpp>
#include <green/sync/exchange.hpp>
#include <green/sync/queue.hpp>
#include <green/sync/ring_buffer.hpp>
#include <green/sync/thread_wait.hpp>

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <string_view>
#include <utility>

namespace green {

namespace detail {
inline constexpr exchange_words thread_queue_words{"thread_queue.put", "thread_queue.get"};
}  // namespace detail

/// Jobs or values between threads, and between threads and green tasks of any number of loops, first in,
/// first out. Inside one loop a `queue` or `channel` does the same without a lock.
///
/// On a thread without a running loop `put`, `get` and `join` **block**; in a green task they are
/// **awaited**, and do nothing until then. (One that is not awaited there is reported like an unhandled
/// failure. A callback on the loop's thread, as in `loop::post`, has try_put and try_get.)
///
///     thread_queue<std::string> lines(100);
///     std::thread reader([&] {
///         for (std::string line; std::getline(in, line);) lines.put(line);   // blocks while it is full
///         lines.close();
///     });
///     try {
///         for (;;) use(co_await lines.get());                   // in a green task
///     } catch (const closed_error&) {}
///
/// `maxsize` 0 is unbounded. A task that waits here counts as waiting for something outside: it is no
/// deadlock, and a virtual clock does not wait for it.
///
/// **order:** threads and tasks together, first come, first served. Thread-safe. Must outlive its
/// waiters. Models: queue.Queue, janus.
template <std::move_constructible T>
class thread_queue {
    using exchange_type = detail::
        exchange<T, detail::ring_buffer<T>, detail::thread_wait_queue, detail::thread_wait_node>;
    using put_node = typename exchange_type::put_node;
    using get_node = typename exchange_type::get_node;
    class join_node : public detail::thread_wait_node {};
    template <class Node>
    class operation;

public:
    class put_operation;
    class get_operation;
    class join_operation;

    explicit thread_queue(std::size_t maxsize = 0)
        : exchange_(
              maxsize == 0 ? static_cast<std::size_t>(-1) : maxsize, detail::thread_queue_words
          ) {}
    thread_queue(const thread_queue&) = delete;
    thread_queue& operator=(const thread_queue&) = delete;

    /// Returns when the item is in the queue, or with a getter that waits. closed_error if the queue is
    /// closed, also while it waits.
    /// **cancel:** total: the item is not in the queue.
    put_operation put(T item) { return put_operation(*this, std::move(item)); }
    /// False, and `item` is untouched, if the queue is full. closed_error if it is closed.
    bool try_put(T&& item) {
        std::lock_guard const lock(mutex_);
        return exchange_.try_put(item);
    }
    bool try_put(const T& item)
        requires std::copy_constructible<T>
    {
        return try_put(T(item));
    }
    /// For a thread: blocks for `limit` at most. False, and `item` is lost, if the queue stayed full.
    /// (In a green task: `move_on_after(limit, q.put(item))`.)
    template <class Rep, class Period>
    bool try_put_for(T item, std::chrono::duration<Rep, Period> limit) {
        put_node node(std::move(item));
        return block(node, detail::thread_queue_words.put, detail::to_nanoseconds(limit));
    }

    /// The next item. On a blocking thread what it returns converts to `T`: `T item = q.get();`.
    /// closed_error when the queue is closed and empty.
    /// **cancel:** total: no item was taken.
    [[nodiscard]] get_operation get() { return get_operation(*this); }
    /// None if the queue is empty. closed_error when it is closed and empty.
    std::optional<T> try_get() {
        std::lock_guard const lock(mutex_);
        std::optional<T> item;
        if (!exchange_.try_get(item) && exchange_.closed()) exchange_.throw_no_item();
        return item;
    }
    /// For a thread: blocks for `limit` at most. (In a green task: `move_on_after(limit, q.get())`.)
    template <class Rep, class Period>
    std::optional<T> try_get_for(std::chrono::duration<Rep, Period> limit) {
        get_node node;
        block(node, detail::thread_queue_words.get, detail::to_nanoseconds(limit));
        return std::move(node.item());
    }

    /// An item that was got has been dealt with. More often than there were items: std::logic_error.
    void task_done() {
        std::lock_guard const lock(mutex_);
        if (unfinished_now() == 0) detail::throw_too_many_done(exchange_);
        finish(1);
    }
    std::size_t unfinished() const {
        std::lock_guard const lock(mutex_);
        return unfinished_now();
    }
    /// Until every item that was put has been reported with `task_done`; at once if so.
    /// **cancel:** total.
    join_operation join() { return join_operation(*this); }

    /// As `queue::close`.
    void close(close_mode mode = close_mode::drain) {
        detail::ring_buffer<T> dropped;  // dies without the lock: its destructors may use the queue
        std::lock_guard const lock(mutex_);
        exchange_.close(detail::make_closed_error(exchange_, exchange_.words().get));
        if (mode == close_mode::discard) {
            dropped = exchange_.take_items();
            finish(std::min(dropped.size(), unfinished_now()));
        }
    }
    bool closed() const {
        std::lock_guard const lock(mutex_);
        return exchange_.closed();
    }

    /// Items in the queue, just now.
    std::size_t size() const {
        std::lock_guard const lock(mutex_);
        return exchange_.size();
    }
    bool empty() const { return size() == 0; }
    bool full() const { return size() >= exchange_.capacity(); }

    /// Before it is used by several threads.
    void set_name(std::string_view name) { exchange_.set_name(name); }
    std::string_view name() const noexcept { return exchange_.name(); }

private:
    // What the three kinds of waiting are, under the lock: is it through, begin to wait, stop waiting,
    // what became of it.
    bool attempt(put_node& n) { return exchange_.try_put(n); }
    bool attempt(get_node& n) {
        if (exchange_.try_get(n)) return true;
        if (exchange_.closed()) exchange_.throw_no_item();
        return false;
    }
    bool attempt(join_node&) const noexcept { return unfinished_now() == 0; }
    void enlist(put_node& n) noexcept { exchange_.enlist(n); }
    void enlist(get_node& n) noexcept { exchange_.enlist(n); }
    void enlist(join_node& n) noexcept { joiners_.enlist(n); }
    void remove(put_node& n) noexcept { exchange_.remove(n); }
    void remove(get_node& n) noexcept { exchange_.remove(n); }
    void remove(join_node& n) noexcept { joiners_.remove(n); }
    static void check(const put_node& n) { n.check(); }
    static void check(get_node& n) {
        if (!n.item()) std::rethrow_exception(n.end());
    }
    static void check(const join_node&) noexcept {}

    std::size_t unfinished_now() const noexcept { return exchange_.accepted() - done_; }
    void finish(std::size_t n) {
        done_ += n;
        if (unfinished_now() == 0) joiners_.grant_all();
    }

    /// Blocks this thread; false if `limit` is over.
    template <class Node>
    bool block(Node& node, const char* operation, std::chrono::nanoseconds limit) {
        std::unique_lock lock(mutex_);
        if (!attempt(node)) {
            if (limit.count() <= 0) return false;
            if (detail::scheduler::current()) detail::throw_would_block(operation);
            detail::thread_blocker thread;
            node.wake_through(thread);
            enlist(node);
            if (!thread.wait(lock, node, limit)) {
                remove(node);
                return false;
            }
        }
        check(node);
        return true;
    }

    mutable std::mutex mutex_;
    exchange_type exchange_;
    std::size_t done_ = 0;
    detail::thread_wait_queue joiners_;
};

/// An operation that a green task awaits, or for which a thread has blocked already.
template <std::move_constructible T>
template <class Node>
class thread_queue<T>::operation : public detail::thread_operation, protected Node {
public:
    bool ready() {
        being_awaited();
        std::lock_guard const lock(queue_->mutex_);
        return queue_->attempt(static_cast<Node&>(*this));
    }
    void start() {
        std::lock_guard const lock(queue_->mutex_);
        expect_wake();
        // Another thread may have come between ready() and this.
        try {
            if (queue_->attempt(static_cast<Node&>(*this))) return wake();
        } catch (...) {
            leave();
            throw;
        }
        this->wake_through(*this);
        queue_->enlist(static_cast<Node&>(*this));
    }
    bool cancel() noexcept override {
        {
            std::lock_guard const lock(queue_->mutex_);
            if (!this->linked()) return false;  // woken: the call is on its way
            queue_->remove(static_cast<Node&>(*this));
        }
        leave();
        return true;
    }

protected:
    template <class... A>
    operation(thread_queue& q, const char* what, A&&... a)
        : thread_operation(what, q.exchange_), Node(static_cast<A&&>(a)...), queue_(&q) {
        if (!to_be_awaited()) q.block(static_cast<Node&>(*this), what, forever);
    }
    operation(operation&&) = default;
    ~operation() = default;

    void check() { thread_queue::check(static_cast<Node&>(*this)); }

private:
    thread_queue* queue_;
};

template <std::move_constructible T>
class thread_queue<T>::put_operation final : public operation<put_node> {
public:
    void result() { this->check(); }

private:
    friend class thread_queue;
    put_operation(thread_queue& q, T&& item)
        : operation<put_node>(q, detail::thread_queue_words.put, std::move(item)) {}
};

template <std::move_constructible T>
class thread_queue<T>::get_operation final : public operation<get_node> {
public:
    T result() {
        this->check();
        return std::move(*this->item());
    }
    /// The item that a blocking thread has got.
    operator T() && {  // NOLINT(google-explicit-constructor): `T item = q.get();`
        return result();
    }

private:
    friend class thread_queue;
    explicit get_operation(thread_queue& q)
        : operation<get_node>(q, detail::thread_queue_words.get) {}
};

template <std::move_constructible T>
class thread_queue<T>::join_operation final : public operation<join_node> {
public:
    void result() const noexcept {}

private:
    friend class thread_queue;
    explicit join_operation(thread_queue& q) : operation<join_node>(q, "thread_queue.join") {}
};

}  // namespace green
