#pragma once

// Internal: what channels and queues are made of.

#include <green/core/awaitable.hpp>
#include <green/core/errors.hpp>
#include <green/core/named.hpp>
#include <green/sync/wait_queue.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace green::detail {

/// How an exchange's operations are called in dumps and errors.
struct exchange_words {
    const char* put;
    const char* get;
};

[[noreturn]] void throw_closed(const named& object, const char* operation);

//    putters ──► buffer (0 to `capacity` items) ──► getters
//
//    A putter waits only while the buffer is full, a getter only while it is empty and no putter
//    waits. So at least one of the two queues is empty, and an item never waits beside a getter.

/// Moves items from tasks that put to tasks that get, first come, first served on both sides. `Buffer`
/// decides about the order of the items in between: push(T&&), front(), pop(), empty(), size().
template <class T, class Buffer>
class exchange : public named {
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
    /// up into the buffer.
    bool try_get(std::optional<T>& item) {
        if (!buffer_.empty()) {
            item.emplace(std::move(buffer_.front()));
            buffer_.pop();
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
    /// getters, for whom there is nothing, wake without one. What is buffered can still be got.
    void close() {
        closed_ = true;
        while (auto* const putter = static_cast<put_wait*>(putters_.front())) {
            putter->refused_ = true;
            putters_.grant(*putter);
        }
        getters_.grant_all();
    }

    /// Drops what is buffered; how many items.
    std::size_t drop_items() noexcept {
        std::size_t n = 0;
        for (; !buffer_.empty(); ++n) buffer_.pop();
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
        auto* const putter = static_cast<put_wait*>(putters_.front());
        try {
            buffer_.push(std::move(putter->item_));
            ++accepted_;
        } catch (...) {  // the putter's failure, not the getter's
            putter->error_ = std::current_exception();
        }
        putters_.grant(*putter);
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
        if (refused_) [[unlikely]]
            throw_closed(*exchange_, exchange_->words_.put);
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
    bool refused_ = false;
    std::exception_ptr error_;
};

/// Without `result()`: what the lack of an item means differs.
template <class T, class Buffer>
class exchange<T, Buffer>::get_wait : public wait_node {
public:
    explicit get_wait(exchange& x) noexcept : exchange_(&x) {}

    bool ready() { return exchange_->try_get(item_) || exchange_->closed_; }
    void start() noexcept { exchange_->getters_.enlist(*this); }
    void describe(std::string& out) const override {
        exchange_->describe(out, exchange_->words_.get);
    }

protected:
    ~get_wait() = default;
    /// The item, or none if the exchange is closed.
    std::optional<T>& item() {
        throw_if_orphaned();
        return item_;
    }
    exchange& source() const noexcept { return *exchange_; }

private:
    friend class exchange;
    exchange* exchange_;
    std::optional<T> item_;
};

}  // namespace green::detail
