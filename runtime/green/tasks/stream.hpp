#pragma once

#include <green/core/task.hpp>

#include <concepts>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

//  Who owns the frame of a generator
//
//    between two calls of next():      stream ──frame_──► generator, suspended at a co_yield
//
//    while a next() is under way:      stream ──pending_──► awaiter ──child──► generator
//                                         ▲                 │   ▲                 │
//                                         └────stream_──────┘   └── value, error ─┘
//                                                      (in the consumer's frame, which is its parent)
//
//  So the generator is a part of the consumer's stack of frames while it runs, and only then: a
//  cancel unwinds it with the rest. Both arrows between stream and awaiter are kept true when the
//  stream is moved or destroyed meanwhile.

namespace green {

template <class T>
class stream;

/// `co_yield stream_failure(error)` throws `error` at the consumer's `next()` and goes on when it asks
/// again. For streams in which the failure of one item says nothing of the others; an exception that
/// leaves the coroutine is the end of its stream.
class stream_failure {
public:
    explicit stream_failure(std::exception_ptr error) noexcept : error_(std::move(error)) {}
    std::exception_ptr take() noexcept { return std::move(error_); }

private:
    std::exception_ptr error_;
};

namespace detail {

template <class T>
class next_awaiter;

/// What `next()` gives: a value or nothing; for a stream of references a pointer.
template <class T>
using stream_item =
    std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, std::optional<T>>;

template <class T>
class stream_promise_base : public promise_base {
public:
    void return_void() noexcept {}
    void unhandled_exception() noexcept {
        std::exception_ptr error = std::current_exception();
        trace_failure(error);
        sink().set_error(std::move(error));
    }
    auto yield_value(
        stream_failure failure, std::source_location where = std::source_location::current()
    ) noexcept {
        sink().set_error(failure.take());
        return suspend_at(where);
    }

protected:
    explicit stream_promise_base(std::source_location where) noexcept : promise_base(where) {}
    ~stream_promise_base() = default;

    outcome<T>& sink() noexcept { return static_cast<outcome<T>&>(*owner_); }
    /// A co_yield goes where the end of a frame goes: to the parent, within the budget.
    auto suspend_at(std::source_location where) noexcept {
        is_at(where);
        return final_suspend();
    }
};

template <class T>
class stream_promise final : public stream_promise_base<T> {
public:
    explicit stream_promise(std::source_location where = std::source_location::current()) noexcept
        : stream_promise_base<T>(where) {}

    stream<T> get_return_object() noexcept { return stream<T>(*this); }

    using stream_promise_base<T>::yield_value;
    template <class U = T>
        requires std::convertible_to<U&&, T>
    auto yield_value(U&& item, std::source_location where = std::source_location::current()) {
        this->sink().set_value(static_cast<U&&>(item));
        return this->suspend_at(where);
    }
};

template <class T>
class stream_promise<T&> final : public stream_promise_base<T&> {
public:
    explicit stream_promise(std::source_location where = std::source_location::current()) noexcept
        : stream_promise_base<T&>(where) {}

    stream<T&> get_return_object() noexcept { return stream<T&>(*this); }

    using stream_promise_base<T&>::yield_value;
    auto yield_value(
        T& item, std::source_location where = std::source_location::current()
    ) noexcept {
        this->sink().set_value(std::addressof(item));
        return this->suspend_at(where);
    }
};

/// Runs the generator, as a part of the awaiting green task, to its next co_yield or its end.
template <class T>
class [[nodiscard]] next_awaiter : private outcome<T> {
public:
    static constexpr bool is_scheduler_awaiter = true;

    explicit next_awaiter(stream<T>& s) noexcept : stream_(&s) {}
    /// Before it is awaited only.
    next_awaiter(next_awaiter&& o) noexcept : outcome<T>(), stream_(o.stream_) {}
    next_awaiter& operator=(next_awaiter&&) = delete;
    ~next_awaiter() {
        if (begun_) leave();
    }

    bool await_ready() {
        scheduler& s = *scheduler::current();
        if (s.running()->must_stop()) return false;
        stream_->check_next();
        return !stream_->frame_ && s.take_step();
    }

    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> consumer) noexcept {
        scheduler& s = *scheduler::current();
        green_task& t = *s.running();
        if (t.must_stop()) {
            t.unwind_from(consumer.promise());
            return std::noop_coroutine();
        }
        if (!stream_->frame_) {  // at its end, and so is the budget
            t.requeue(consumer.promise());
            return std::noop_coroutine();
        }
        promise_base& frame = *stream_->frame_;
        begin(frame);
        frame.adopt(*this, &consumer.promise());
        if (!s.step_into(frame)) [[unlikely]] {
            t.requeue(frame);
            return std::noop_coroutine();
        }
        return frame.handle();
    }

    stream_item<T> await_resume() {
        if (!begun_) return {};
        begun_ = false;
        promise_base* const frame = std::exchange(this->child, nullptr);
        if (stream_) stream_->pending_ = nullptr;
        if (stream_ && !frame->handle().done()) {  // at a co_yield
            stream_->frame_ = frame;
        } else {  // at its end; or the stream was destroyed meanwhile, and this was the last item
            frame->handle().destroy();
        }
        if (!this->has_value()) {
            if (std::exception_ptr e = this->error()) std::rethrow_exception(std::move(e));
            return {};
        }
        if constexpr (std::is_reference_v<T>) {
            return this->value();
        } else {
            return stream_item<T>(std::move(this->value()));
        }
    }

private:
    friend class stream<T>;

    void begin(promise_base& frame) noexcept {
        begun_ = true;
        this->child = &frame;
        stream_->frame_ = nullptr;
        stream_->pending_ = this;
    }
    /// The consumer's frame is destroyed, and the generator's was before it.
    void leave() noexcept {
        if (this->child) this->child->handle().destroy();
        if (!stream_) return;
        stream_->pending_ = nullptr;
        stream_->cancelled_ = true;
    }

    stream<T>* stream_;
    bool begun_ = false;
};

[[noreturn]] void throw_second_next();
[[noreturn]] void throw_cancelled_stream();

/// S is `stream<T>&`, or `stream<T>` to keep it.
template <class T, class S>
task<std::vector<std::remove_cvref_t<T>>> collect_items(S s) {
    std::vector<std::remove_cvref_t<T>> items;
    for (;;) {
        stream_item<T> item = co_await s.next();
        if (!item) break;
        items.push_back(static_cast<T&&>(*item));
    }
    co_return items;
}

template <class T, class S>
stream<T> first_items(S s, std::size_t n) {
    for (; n > 0; --n) {
        stream_item<T> item = co_await s.next();
        if (!item) break;
        co_yield static_cast<T&&>(*item);
    }
}

}  // namespace detail

/// The result type of an asynchronous generator: a coroutine that gives any number of items with
/// `co_yield` and may `co_await` in between. For one result use `task`; to pass items from one task to
/// another, a queue or a channel.
///
/// Lazy: the coroutine runs while somebody awaits `next()` and at no other time, as a part of that
/// green task. Move-only; it may be moved to another task between two calls. Items are moved out.
///
///     stream<int> count(int n) {
///         for (int i = 0; i < n; ++i) {
///             co_await sleep_for(1s);
///             co_yield i;
///         }
///     }
///     task<> f() {
///         stream<int> s = count(3);
///         while (auto i = co_await s.next()) std::printf("%d\n", *i);
///     }
///
/// A stream that is destroyed before its end destroys the coroutine where it is, at a `co_yield`:
/// destructors run, but nothing can be awaited. What needs an awaiting cleanup keeps clear of a
/// `co_yield` in between (awaits `finally_(…)` as a whole for each item), or is read with `collect()`.
///
/// `stream<T&>` yields references: `next()` gives a `T*`, valid until the following call, null at
/// the end. Model: Python's async generators; cppcoro's async_generator.
template <class T>
class [[nodiscard]] stream {
    static_assert(
        std::is_object_v<T> || std::is_lvalue_reference_v<T>,
        "green: a stream is one of values or of lvalue references"
    );

public:
    using value_type = T;
    using promise_type = detail::stream_promise<T>;

    /// One that is at its end.
    stream() noexcept = default;
    stream(stream&& other) noexcept { take_from(other); }
    stream& operator=(stream&& other) noexcept {
        if (this != &other) {
            drop();
            take_from(other);
        }
        return *this;
    }
    ~stream() { drop(); }

    /// Runs the coroutine to its next `co_yield`: a `std::optional<T>` with the item, empty at the end
    /// and ever after. An exception that leaves the coroutine is thrown here, and is its end; one that
    /// it yields as a `stream_failure` is thrown and is not. A second call while one is under way throws
    /// std::logic_error.
    /// **cancel:** before it begins, total. When the coroutine itself is suspended in a wait, its
    /// frame is unwound with the others, and that is *terminal*: a later `next()` throws
    /// cancelled_error, so that it is not taken for the end. So mind `with_timeout(1s, s.next())`.
    detail::next_awaiter<T> next() noexcept { return detail::next_awaiter<T>(*this); }

    /// The items that are left, as a vector (of copies, for a stream of references).
    /// **cancel:** as `next()`; what was collected is lost.
    task<std::vector<std::remove_cvref_t<T>>> collect() & {
        return detail::collect_items<T, stream&>(*this);
    }
    task<std::vector<std::remove_cvref_t<T>>> collect() && {
        return detail::collect_items<T, stream>(std::move(*this));
    }

    /// The first `n` items, or fewer; never asks for one more. Of an lvalue it refers to this stream,
    /// which must stay where it is meanwhile and goes on with the rest afterwards.
    stream take(std::size_t n) & { return detail::first_items<T, stream&>(*this, n); }
    stream take(std::size_t n) && { return detail::first_items<T, stream>(std::move(*this), n); }

private:
    friend promise_type;
    friend class detail::next_awaiter<T>;

    explicit stream(detail::promise_base& frame) noexcept : frame_(&frame) {}

    void check_next() const {
        if (pending_) detail::throw_second_next();
        if (cancelled_) detail::throw_cancelled_stream();
    }
    void take_from(stream& other) noexcept {
        frame_ = std::exchange(other.frame_, nullptr);
        cancelled_ = std::exchange(other.cancelled_, false);
        pending_ = std::exchange(other.pending_, nullptr);
        if (pending_) pending_->stream_ = this;
    }
    void drop() noexcept {
        if (pending_) std::exchange(pending_, nullptr)->stream_ = nullptr;
        if (frame_) std::exchange(frame_, nullptr)->handle().destroy();
    }

    detail::promise_base* frame_ = nullptr;  // at a co_yield, or not begun
    detail::next_awaiter<T>* pending_ = nullptr;  // has the frame
    bool cancelled_ = false;
};

}  // namespace green
