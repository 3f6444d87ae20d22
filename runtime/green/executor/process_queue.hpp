#pragma once

#include <green/core/awaitable.hpp>
#include <green/core/time.hpp>
#include <green/executor/codec.hpp>
#include <green/executor/codec_error.hpp>
#include <green/executor/peer_died.hpp>
#include <green/executor/process_queue_operation.hpp>
#include <green/sync/queue.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace green {

namespace detail {
/// Makes handles, and looks into them.
struct queue_access;
}  // namespace detail

/// Jobs or values between processes, first in, first out, with an account of what is done: a queue for
/// the program, its `process`es, and the jobs of its process_executors. Inside one process `thread_queue`
/// does the same without a codec and a socket; for a result per job submit it to a process_executor.
///
/// This is a handle: copies are the same queue, and so is what arrives in another process. There it is
/// sent as an argument:
///
///     int dry(const process_queue<std::string>& dishes) {
///         try {
///             for (;;) {
///                 std::string const dish = dishes.get();         // blocks
///                 std::printf("%s is dry\n", dish.c_str());
///                 dishes.task_done();
///             }
///         } catch (const closed_error&) {}
///         return 0;
///     }
///     …
///     process_queue<std::string> dishes(10);
///     process const dryer = process::start<dry>(dishes);
///     co_await dishes.put("salad");                              // in a green task
///     co_await dishes.join();
///     dishes.close();
///
/// On a thread without a running loop `put`, `get` and `join` **block**; in a green task they are
/// **awaited**, and do nothing until then. `maxsize` 0 is unbounded.
///
/// **The owner** is the process that makes the queue. It alone has the items, the order and the account;
/// the others ask it over a connection of their own, which takes some 30 µs per put or get, and no lock is
/// shared. So a process can be killed at any instant, and the others go on. (With a lock and a pipe
/// in shared memory, as multiprocessing.Queue has them, a process that is killed inside `get` keeps
/// the lock, and all others wait for ever.) When the last handle in the owner is dropped, or the owner ends,
/// the queue is gone with its items: operations in other processes throw closed_error, those that wait
/// too.
///
/// **The death of a process** loses what it has got and not called done, and nothing else; `join` tells.
///
/// An item is kept as bytes by its codec. What cannot be encoded is codec_error to who puts, what
/// cannot be decoded to who gets: that item is gone then, and counts as done. The queue goes on.
///
/// **order:** threads, tasks and processes together, as their requests reach the owner, first come,
/// first served. Thread-safe. A task that waits here counts as waiting for something outside: it is no
/// deadlock, and a virtual clock does not wait for it.
/// Models: multiprocessing.JoinableQueue, queue.Queue.
template <class T>
class process_queue {
public:
    class put_operation;
    class get_operation;
    class join_operation;

    /// Needs `process_worker_main` like an executor, if it is made before `run`. std::system_error if
    /// no descriptor is left, executor_error if its thread cannot be started: one for all queues of
    /// this process.
    explicit process_queue(std::size_t maxsize = 0)
        : port_(detail::make_queue_for_program(maxsize)) {
        static_assert(
            serialisable<T>,
            "green: a process_queue holds values that can be sent to another process; include "
            "<green/executor/codec_std.hpp> for maps, sets and lists; specialise green::codec for "
            "a "
            "class of your own"
        );
    }

    /// Returns when the item is in the queue, or with a getter that waits. closed_error if the queue is
    /// closed, also while it waits; codec_error if this value cannot be sent, at the call.
    /// **cancel:** total: the item is not in the queue. In another process than the owner the task goes
    /// when the owner has agreed; if the put was faster, that counts, and the cancel comes after it.
    put_operation put(const T& item) const { return put_operation(port_, encoded(item)); }
    /// False if the queue is full. closed_error if it is closed.
    bool try_put(const T& item) const { return try_put_for(item, std::chrono::nanoseconds(0)); }
    /// For a thread: blocks for `limit` at most. False if the queue stayed full.
    /// (In a green task: `move_on_after(limit, q.put(item))`.)
    template <class Rep, class Period>
    bool try_put_for(const T& item, std::chrono::duration<Rep, Period> limit) const {
        detail::queue_request r(detail::queue_verb::put, encoded(item));
        return detail::perform(*port_, r, detail::to_nanoseconds(limit));
    }

    /// The next item. On a blocking thread what it returns converts to `T`: `T item = q.get();`.
    /// closed_error when the queue is closed and empty; codec_error for what is no `T`.
    /// **cancel:** total: no item was taken. As of `put` in another process than the owner.
    [[nodiscard]] get_operation get() const { return get_operation(port_); }
    /// None if the queue is empty. closed_error when it is closed and empty.
    std::optional<T> try_get() const { return try_get_for(std::chrono::nanoseconds(0)); }
    /// For a thread: blocks for `limit` at most. (In a green task: `move_on_after(limit, q.get())`.)
    template <class Rep, class Period>
    std::optional<T> try_get_for(std::chrono::duration<Rep, Period> limit) const {
        detail::queue_request r(detail::queue_verb::get);
        if (!detail::perform(*port_, r, detail::to_nanoseconds(limit))) return std::nullopt;
        return std::optional<T>(decoded(*port_, r.item));
    }

    /// An item that this process has got has been dealt with. More often than that: std::logic_error.
    /// (The items of a process that dies must be known; so another one cannot call them done.)
    void task_done() const { detail::task_done(*port_); }
    /// Items that were put and have not been called done, dropped or lost.
    std::size_t unfinished() const { return look().unfinished; }
    /// Until every item that was put has been reported with `task_done`; at once if so.
    ///
    /// peer_died as soon as a process that takes items from this queue has ended, with its pid and the
    /// number of items that are lost: one that was killed or has called exit, or dropped its handles with
    /// items that it had not called done. Each is told of once: to all that wait in join, or else to the
    /// next join that has something to wait for or to miss. Lost items do not count any more: call join
    /// again for the rest.
    /// **cancel:** total.
    join_operation join() const { return join_operation(port_); }

    /// As `queue::close`, from any process.
    void close(close_mode mode = close_mode::drain) const {
        bool const discard = mode == close_mode::discard;
        detail::queue_request r(discard ? detail::queue_verb::discard : detail::queue_verb::close);
        detail::perform(*port_, r, std::chrono::nanoseconds(0));
    }
    bool closed() const { return look().closed != 0; }

    /// Items in the queue, just now. In other processes than the owner this and what follows, and also
    /// the try_ functions, wait for its answer.
    std::size_t size() const { return look().size; }
    bool empty() const { return size() == 0; }
    bool full() const {
        detail::queue_figures const now = look();
        return now.size >= now.capacity;
    }

    /// Before it is used by several threads or sent.
    void set_name(std::string_view name) { port_->set_name(name); }
    std::string_view name() const noexcept { return port_->name(); }

private:
    friend struct detail::queue_access;

    explicit process_queue(std::shared_ptr<detail::queue_port> port) noexcept
        : port_(std::move(port)) {}

    static byte_buffer encoded(const T& item) {
        byte_buffer bytes;
        encoder e(bytes);
        e.put(item);
        return bytes;
    }
    static T decoded(detail::queue_port& port, const byte_buffer& item) {
        try {
            decoder d(item.bytes());
            std::tuple<T> value = detail::decode_all<T>(d, "an item of a process_queue");
            return std::get<0>(std::move(value));
        } catch (...) {
            port.task_done();  // nobody else will
            throw;
        }
    }
    detail::queue_figures look() const {
        detail::queue_request r(detail::queue_verb::look);
        detail::perform(*port_, r, std::chrono::nanoseconds(0));
        return r.figures;
    }

    std::shared_ptr<detail::queue_port> port_;
};

template <class T>
class process_queue<T>::put_operation final : public detail::queue_operation {
public:
    void result() { check(); }

private:
    friend class process_queue;
    put_operation(std::shared_ptr<detail::queue_port> port, byte_buffer item)
        : queue_operation(std::move(port), detail::queue_verb::put, std::move(item)) {}
};

template <class T>
class process_queue<T>::get_operation final : public detail::queue_operation {
public:
    T result() {
        check();
        return decoded(port(), request().item);
    }
    /// The item that a blocking thread has got.
    operator T() && {  // NOLINT(google-explicit-constructor): `T item = q.get();`
        return result();
    }

private:
    friend class process_queue;
    explicit get_operation(std::shared_ptr<detail::queue_port> port)
        : queue_operation(std::move(port), detail::queue_verb::get) {}
};

template <class T>
class process_queue<T>::join_operation final : public detail::queue_operation {
public:
    void result() { check(); }

private:
    friend class process_queue;
    explicit join_operation(std::shared_ptr<detail::queue_port> port)
        : queue_operation(std::move(port), detail::queue_verb::join) {}
};

struct detail::queue_access {
    template <class T>
    static process_queue<T> handle_of(std::shared_ptr<queue_port> port) {
        return process_queue<T>(std::move(port));
    }
    template <class T>
    static queue_port& port_of(const process_queue<T>& q) {
        return *q.port_;
    }
};

/// The handle travels, not the items.
template <class T>
struct codec<process_queue<T>> {
    static void encode(encoder& e, const process_queue<T>& q) {
        e.put(detail::queue_access::port_of(q).address());
        e.put(std::string(q.name()));
    }
    static process_queue<T> decode(decoder& d) {
        auto const address = d.get<std::string>();
        auto const name = d.get<std::string>();
        return detail::queue_access::handle_of<T>(detail::find_queue(address, name));
    }
};

}  // namespace green
