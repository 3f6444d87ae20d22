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

/// Moves items from tasks that put to tasks that get, first come, first served on both sides. `Buffer`
/// decides about the order of the items in between: push(T&&), take(optional<T>&), clear(), empty(),
/// size(). If push or take throws nothing has happened.
template <class T, class Buffer>
class exchange : public named {
    static_assert(
        std::is_object_v<T> && !std::is_const_v<T>,
        "green: a channel or a queue holds values: T is an object type without const; "
        "to hand over something that stays where it is use a pointer"
    );

public:
    class put_wait;
    class get_wait;

    /// `buffer`: what the buffer is made from.
    template <class... B>
    exchange(std::size_t capacity, const exchange_words& words, B&&... buffer)
        : words_(words), capacity_(capacity), buffer_(static_cast<B&&>(buffer)...) {}
    exchange(const exchange&) = delete;
    exchange& operator=(const exchange&) = delete;

    /// False, and `item` is untouched, if there is neither a getter nor room. closed_error if closed.
    /// If the item's move throws, nothing has happened.
    bool try_put(T& item) {
        if (closed_) [[unlikely]]
            throw_closed(*this, words_.put);
        if (auto* const getter = static_cast<get_wait*>(getters_.front())) {
            getter->item_.emplace(std::move(item));
            ++accepted_;
            getters_.grant(*getter);
            return true;
        }
        if (buffer_.size() >= capacity_) return false;
        buffer_.push(std::move(item));
        ++accepted_;
        return true;
    }

    /// False if there is no item: an item of the buffer, or of a putter. The longest waiting putter moves
    /// up into the buffer. If the item's move throws, nothing has happened.
    bool try_get(std::optional<T>& item) {
        if (!buffer_.empty()) {
            buffer_.take(item);
            if (!putters_.empty()) [[unlikely]]
                refill();
            return true;
        }
        if (auto* const putter = static_cast<put_wait*>(putters_.front())) {
            item.emplace(std::move(putter->item_));
            ++accepted_;
            putters_.grant(*putter);
            return true;
        }
        return false;
    }

    /// No item is accepted any more. Waiting putters get closed_error and keep their items; waiting
    /// getters, for whom there is nothing, wake with `end`. What is buffered can still be got.
    void close(const std::exception_ptr& end = nullptr) {
        closed_ = true;
        if (!putters_.empty()) {
            std::exception_ptr const refusal = make_closed_error(*this, words_.put);
            while (auto* const putter = static_cast<put_wait*>(putters_.front())) {
                putter->error_ = refusal;
                putters_.grant(*putter);
            }
        }
        while (auto* const getter = static_cast<get_wait*>(getters_.front())) {
            getter->end_ = end;
            getters_.grant(*getter);
        }
    }

    /// Drops what is buffered; how many items.
    std::size_t drop_items() noexcept {
        std::size_t const n = buffer_.size();
        buffer_.clear();
        return n;
    }

    bool closed() const noexcept { return closed_; }
    std::size_t size() const noexcept { return buffer_.size(); }
    std::size_t capacity() const noexcept { return capacity_; }
    /// How many items have been taken from putters, ever.
    std::size_t accepted() const noexcept { return accepted_; }
    const exchange_words& words() const noexcept { return words_; }
    using named::describe;

private:
    void refill() {
        while (buffer_.size() < capacity_) {
            auto* const putter = static_cast<put_wait*>(putters_.front());
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
    wait_queue putters_;
    wait_queue getters_;
};

template <class T, class Buffer>
class exchange<T, Buffer>::put_wait : public wait_node {
public:
    put_wait(exchange& x, T&& item) : exchange_(&x), item_(std::move(item)) {}

    bool ready() { return exchange_->try_put(item_); }
    void start() noexcept { exchange_->putters_.enlist(*this); }
    void result() const {
        throw_if_orphaned();
        if (error_) [[unlikely]]
            std::rethrow_exception(error_);
    }
    void describe(std::string& out) const override {
        exchange_->describe(out, exchange_->words_.put);
    }

private:
    friend class exchange;
    exchange* exchange_;
    T item_;
    std::exception_ptr error_;  // closed, or the item's move threw
};

/// Without `result()`, and `ready()` goes on elsewhere: what the lack of an item means differs. A wait
/// that is over does not touch the exchange, which may be no more.
template <class T, class Buffer>
class exchange<T, Buffer>::get_wait : public wait_node {
public:
    explicit get_wait(exchange& x) noexcept : exchange_(&x) {}
    /// Before it is awaited only.
    get_wait(const get_wait& o) noexcept : wait_node(o), exchange_(o.exchange_) {}

    bool ready() {
        item_.reset();  // it may have been awaited before
        return exchange_->try_get(item_);
    }
    void start() noexcept { exchange_->getters_.enlist(*this); }
    void describe(std::string& out) const override {
        exchange_->describe(out, exchange_->words_.get);
    }

protected:
    ~get_wait() = default;
    /// The item, or none if the exchange was closed.
    std::optional<T>& item() {
        throw_if_orphaned();
        return item_;
    }
    /// What `close` was called with, once that has woken the task.
    const std::exception_ptr& end() const noexcept { return end_; }
    exchange& source() const noexcept { return *exchange_; }

private:
    friend class exchange;
    exchange* exchange_;
    std::optional<T> item_;
    std::exception_ptr end_;
};

}  // namespace green::detail
