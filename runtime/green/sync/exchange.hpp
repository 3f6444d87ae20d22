#pragma once

// Internal: what channels and queues are made of.

#include <green/core/awaitable.hpp>
#include <green/core/errors.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace green::detail {

/// How an exchange's operations are called in dumps and errors.
struct exchange_words {
    const char* put;
    const char* get;
};

[[noreturn]] void throw_closed(const named& object, const char* operation);
/// The same error for those who wait: they may resume when the object is no more.
std::exception_ptr make_closed_error(const named& object, const char* operation);

//    putters ──► buffer (0 to `capacity` items) ──► getters
//
//    A putter waits only while the buffer is full, a getter only while it is empty and no putter
//    waits. So at least one of the two queues is empty, and an item never waits beside a getter.

/// Moves items from those that put to those that get, first come, first served on both sides. `Buffer`
/// decides about the order of the items in between: push(T&&), take(optional<T>&), take_all(), empty(),
/// size(). If push or take throws nothing has happened. `Queue` and `Node` are the waiters: wait_queue,
/// or for threads thread_wait_queue.
template <class T, class Buffer, class Queue = wait_queue, class Node = wait_node>
class exchange : public named {
    static_assert(
        std::is_object_v<T> && !std::is_const_v<T>,
        "green: a channel or a queue holds values: T is an object type without const; "
        "to hand over something that stays where it is use a pointer"
    );

public:
    /// A wait of a putter, with what it puts.
    class put_node : public Node {
    public:
        explicit put_node(T&& item) : item_(std::move(item)) {}

        /// Throws what has become of the put, if it has failed.
        void check() const {
            if (error_) [[unlikely]]
                std::rethrow_exception(error_);
        }

    private:
        friend class exchange;
        T item_;
        std::exception_ptr error_;  // closed, or the item's move threw
    };

    /// A wait of a getter, with what it gets.
    class get_node : public Node {
    public:
        get_node() = default;
        /// Before it is awaited only.
        get_node(const get_node& o) noexcept : Node(o) {}
        get_node& operator=(const get_node&) = delete;

        /// None if the exchange was closed.
        std::optional<T>& item() noexcept { return item_; }
        /// What `close` was called with, once that has woken the waiter.
        const std::exception_ptr& end() const noexcept { return end_; }

    private:
        friend class exchange;
        std::optional<T> item_;
        std::exception_ptr end_;
    };

    /// `buffer`: what the buffer is made from.
    template <class... B>
    exchange(std::size_t capacity, const exchange_words& words, B&&... buffer)
        : words_(words), capacity_(capacity), buffer_(static_cast<B&&>(buffer)...) {}
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    /// False, and `item` is untouched, if there is neither a getter nor room. closed_error if closed.
    /// If the item's move throws, nothing has happened.
    bool try_put(T& item) {
        if (getters_.empty() && buffer_.size() < capacity_ && !closed_) [[likely]] {
            buffer_.push(std::move(item));
            ++accepted_;
            return true;
        }
        return try_hand_over(item);
    }

    bool try_put(put_node& n) { return try_put(n.item_); }
    void enlist(put_node& n) noexcept { putters_.enlist(n); }
    void remove(put_node& n) noexcept { putters_.remove(n); }

    /// False if there is no item: an item of the buffer, or of a putter. The longest waiting putter moves
    /// up into the buffer. If the item's move throws, nothing has happened.
    bool try_get(std::optional<T>& item) {
        if (buffer_.empty()) [[unlikely]]
            return try_take_over(item);
        buffer_.take(item);
        if (!putters_.empty()) [[unlikely]]
            refill();
        return true;
    }

    bool try_get(get_node& n) {
        n.item_.reset();  // it may have been awaited before
        return try_get(n.item_);
    }
    void enlist(get_node& n) noexcept { getters_.enlist(n); }
    void remove(get_node& n) noexcept { getters_.remove(n); }
    [[noreturn]] void throw_no_item() const { throw_closed(*this, words_.get); }

    /// No item is accepted any more. Waiting putters get closed_error and keep their items; waiting
    /// getters, for whom there is nothing, wake with `end`. What is buffered can still be got.
    void close(const std::exception_ptr& end = nullptr) {
        closed_ = true;
        if (!putters_.empty()) {
            std::exception_ptr const refusal = make_closed_error(*this, words_.put);
            while (auto* const putter = static_cast<put_node*>(putters_.front())) {
                putter->error_ = refusal;
                putters_.grant(*putter);
            }
        }
        while (auto* const getter = static_cast<get_node*>(getters_.front())) {
            getter->end_ = end;
            getters_.grant(*getter);
        }
    }

    /// What is buffered, for the caller to destroy: what its destructors call finds the buffer empty.
    auto take_items() noexcept { return buffer_.take_all(); }

    bool closed() const noexcept { return closed_; }
    std::size_t size() const noexcept { return buffer_.size(); }
    std::size_t capacity() const noexcept { return capacity_; }
    /// How many items have been taken from putters, ever.
    std::size_t accepted() const noexcept { return accepted_; }
    const exchange_words& words() const noexcept { return words_; }
    using named::describe;

private:
    // The ways of an item that goes through the buffer are short, and inlined; these are the others.

    /// To a getter. There is no room, or a getter waits, or it is closed.
    [[gnu::noinline]] bool try_hand_over(T& item) {
        if (closed_) [[unlikely]]
            throw_closed(*this, words_.put);
        auto* const getter = static_cast<get_node*>(getters_.front());
        if (!getter) return false;
        getter->item_.emplace(std::move(item));
        ++accepted_;
        getters_.grant(*getter);
        return true;
    }

    /// From a putter. Nothing is buffered.
    [[gnu::noinline]] bool try_take_over(std::optional<T>& item) {
        auto* const putter = static_cast<put_node*>(putters_.front());
        if (!putter) return false;
        item.emplace(std::move(putter->item_));
        ++accepted_;
        putters_.grant(*putter);
        return true;
    }

    [[gnu::noinline]] void refill() {
        while (buffer_.size() < capacity_) {
            auto* const putter = static_cast<put_node*>(putters_.front());
            if (!putter) return;
            try {
                buffer_.push(std::move(putter->item_));
                ++accepted_;
            } catch (...) {  // the putter's failure, not the getter's; the next one moves up
                putter->error_ = std::current_exception();
            }
            putters_.grant(*putter);
        }
    }

    const exchange_words& words_;
    std::size_t capacity_;
    std::size_t accepted_ = 0;
    bool closed_ = false;
    Buffer buffer_;
    Queue putters_;
    Queue getters_;
};

/// Awaits a put. One that is over does not touch the exchange, which may be no more.
template <class T, class Buffer>
class put_awaitable final : public exchange<T, Buffer>::put_node {
public:
    put_awaitable(exchange<T, Buffer>& x, T&& item)
        : exchange<T, Buffer>::put_node(std::move(item)), exchange_(&x) {}

    bool ready() { return exchange_->try_put(*this); }
    void start() noexcept { exchange_->enlist(*this); }
    void result() const {
        this->throw_if_orphaned();
        this->check();
    }
    void describe(std::string& out) const override {
        exchange_->describe(out, exchange_->words().put);
    }

private:
    exchange<T, Buffer>* exchange_;
};

/// Awaits an item. Without `result()`, and `ready()` goes on elsewhere: what the lack of an item means
/// differs.
template <class T, class Buffer>
class get_awaitable : public exchange<T, Buffer>::get_node {
public:
    explicit get_awaitable(exchange<T, Buffer>& x) noexcept : exchange_(&x) {}

    bool ready() { return exchange_->try_get(*this); }
    void start() noexcept { exchange_->enlist(*this); }
    void describe(std::string& out) const override {
        exchange_->describe(out, exchange_->words().get);
    }

protected:
    get_awaitable(const get_awaitable&) noexcept = default;
    ~get_awaitable() = default;
    exchange<T, Buffer>& source() const noexcept { return *exchange_; }

private:
    exchange<T, Buffer>* exchange_;
};

}  // namespace green::detail
