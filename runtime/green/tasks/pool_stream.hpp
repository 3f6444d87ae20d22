#pragma once

// Internal: task_pool::imap and imap_unordered.

#include <green/tasks/pool_core.hpp>
#include <green/tasks/scope.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/stream.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

namespace green::detail {

/// The inputs of a map, looked at one by one and not before they are needed. An error of the range
/// itself is its end, and is kept.
template <class Range>
class map_inputs {
public:
    using value = std::ranges::range_value_t<Range>;

    explicit map_inputs(Range range) : range_(std::move(range)) {}
    map_inputs(const map_inputs&) = delete;
    map_inputs& operator=(const map_inputs&) = delete;

    bool at_end() noexcept {
        if (ended_) return true;
        try {
            if (!next_) {
                next_.emplace(std::ranges::begin(range_));
            } else if (taken_) {
                ++*next_;
            }
            taken_ = false;
            ended_ = *next_ == std::ranges::end(range_);
        } catch (...) {
            fail(std::current_exception());
        }
        return ended_;
    }
    /// Empty if it throws; `error()` then. Not at the end.
    std::optional<value> take() noexcept {
        taken_ = true;
        try {
            if constexpr (std::ranges::view<Range>) {
                return std::optional<value>(std::in_place, **next_);
            } else {  // a container of our own
                return std::optional<value>(std::in_place, std::ranges::iter_move(*next_));
            }
        } catch (...) {
            fail(std::current_exception());
            return std::nullopt;
        }
    }
    const std::exception_ptr& error() const noexcept { return error_; }

private:
    void fail(std::exception_ptr e) noexcept {
        error_ = std::move(e);
        ended_ = true;
    }

    Range range_;
    std::optional<std::ranges::iterator_t<Range>> next_;
    std::exception_ptr error_;
    bool taken_ = false;  // what next_ points to
    bool ended_ = false;
};

/// The items of an imap that have begun and were not handed out yet, and the wait for what comes
/// first: the next result, or a free place to begin another item.
///
/// The tasks live in the loop's root, since they go on while nobody awaits the stream. A cancel of
/// the wait cancels them and waits for their end.
class imap_items final : public leaf, private place_waiter {
public:
    static constexpr bool sees_through = true;  // see must_complete

    imap_items(std::shared_ptr<pool_core> pool, bool in_order, const char* operation) noexcept
        : place_(std::move(pool)), operation_(operation), in_order_(in_order) {}
    imap_items(const imap_items&) = delete;
    imap_items& operator=(const imap_items&) = delete;
    /// Cancels what runs still.
    ~imap_items();

    bool empty() const noexcept { return begun_ == 0; }
    /// Takes a free place if the number of items allows it; then `begin` is to be called.
    bool take_place();
    bool has_place() const noexcept { return place_.taken(); }
    void begin(green_task& t);
    void give_place_back() noexcept { place_.give_back(); }
    /// Said before each wait.
    void wants_place(bool wanted) noexcept { wants_place_ = wanted; }

    /// The next item in order, if it has ended.
    task_ref<green_task> take_ended() noexcept;

    /// Cancels all that runs; the next wait is for the end of it all.
    void stop(std::string_view reason) noexcept;
    bool stopped() const noexcept { return stopping_; }
    /// After that: what items failed with, after `error`, which may be null.
    [[noreturn]] void throw_errors(std::exception_ptr error);

    bool ready() const noexcept;
    void start();
    void result();
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

private:
    struct item final : joiner, list_node<item> {
        item(imap_items& i, green_task& t) : items(&i), task(&t) {}
        static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
        static void operator delete(void* p, std::size_t size) noexcept {
            frame_pool::release(p, size);
        }
        void task_ended(green_task&) noexcept override { items->item_ended(*this); }

        imap_items* items;
        task_ref<green_task> task;
    };

    void place_granted() noexcept override;
    void pool_closed() noexcept override;
    void item_ended(item& i) noexcept;
    void wake_waiter() noexcept;

    pool_place place_;
    const char* operation_;
    std::size_t begun_ = 0;
    std::size_t running_count_ = 0;
    intrusive_list<item> running_;  // used if the order does not matter
    intrusive_list<item> queue_;  // in the order in which they are handed out
    bool const in_order_;
    bool wants_place_ = false;
    bool queued_ = false;  // for a place
    bool waiting_ = false;
    bool stopping_ = false;
    bool by_cancel_ = false;
    bool closed_ = false;
};

template <class T, class F, class Range>
stream<value_or_unit<T>> imap_stream(
    std::shared_ptr<pool_core> pool, F f, Range range, bool in_order, std::source_location where
) {
    using input = std::ranges::range_value_t<Range>;
    using output = value_or_unit<T>;
    auto const function = std::make_shared<F>(std::move(f));  // a cancelled item may outlive this
    auto const body = [function](input&& i) { return call(*function, std::move(i)); };
    map_inputs<Range> inputs(std::move(range));
    imap_items items(
        std::move(pool), in_order, in_order ? "task_pool::imap" : "task_pool::imap_unordered"
    );

    for (;;) {
        while (!inputs.at_end() && (items.has_place() || items.take_place())) {
            std::optional<input> i = inputs.take();
            if (!i) {
                items.give_place_back();
                break;
            }
            scheduler& s = *scheduler::current();
            spawn_options const options{{}, where};
            auto const handle = spawn_in(s, s.root(), options, body, std::move(*i));
            items.begin(handle_access::task_of(handle));
        }
        if (items.empty() && inputs.at_end()) break;
        items.wants_place(!inputs.at_end());
        co_await items;
        if (items.stopped()) items.throw_errors(nullptr);
        task_ref<green_task> ended = items.take_ended();
        if (!ended) continue;  // but a place
        auto& item = static_cast<typed_task<T>&>(*ended);
        item.mark_observed();
        if (item.was_cancelled() || item.failed()) {
            items.stop("another item failed");
            co_await items;
            items.throw_errors(
                item.failed() ? item.error()
                              : std::make_exception_ptr(cancelled_error(item.cancelled_text()))
            );
        }
        output value = take_value(item);
        ended = {};
        co_yield static_cast<output&&>(value);
    }
    if (inputs.error()) std::rethrow_exception(inputs.error());
}

}  // namespace green::detail
