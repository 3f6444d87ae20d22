#pragma once

#include <green/core/task.hpp>

#include <atomic>
#include <concepts>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace green {
namespace detail {

/// What the waiting task and the resolvers share, whichever goes first.
class completion_base : public remote_call, public std::enable_shared_from_this<completion_base> {
public:
    completion_base();
    completion_base(const completion_base&) = delete;
    completion_base& operator=(const completion_base&) = delete;
    virtual ~completion_base() = default;

    // --- resolvers, on any thread
    /// True for the one caller that may set the outcome, and must call `deliver()` then.
    bool claim() noexcept { return !resolved_.exchange(true, std::memory_order_acq_rel); }
    void deliver() noexcept;

    // --- the waiting task, on the loop's thread
    void attach(green_task& waiter) noexcept;
    /// Leaves. False if a result is on its way, which then comes.
    bool detach() noexcept;
    bool resolved() const noexcept { return resolved_.load(std::memory_order_acquire); }

protected:
    static std::exception_ptr dropped_error();
    static std::exception_ptr stopped_error();

    bool stopped_ = false;  // the operation ended because of a cancel

private:
    void run() noexcept override;

    scheduler& owner_;
    green_task* waiter_ = nullptr;
    std::shared_ptr<completion_base> queued_;  // keeps this alive in the loop's inbox
    std::atomic<bool> resolved_{false};
};

template <class T>
class completion_state final : public completion_base {
public:
    template <class... U>
    void succeed(U&&... value) {
        if (!claim()) return;
        try {
            result_.set_value(static_cast<U&&>(value)...);
        } catch (...) {
            result_.set_error(std::current_exception());
        }
        deliver();
    }
    void fail(std::exception_ptr e) noexcept {
        if (!claim()) return;
        result_.set_error(std::move(e));
        deliver();
    }
    void stop() noexcept {
        if (!claim()) return;
        stopped_ = true;
        result_.set_error(stopped_error());
        deliver();
    }
    void drop() noexcept { fail(dropped_error()); }
    T take() { return result_.take(); }

private:
    outcome<T> result_;
};

}  // namespace detail

/// Ends a `completion<T>`: `resolve(value)` (`resolve()` for void), `resolve.fail(error)`, or
/// `resolve.cancelled()` when the operation ended because it was stopped.
///
/// Copyable; any copy may be called from any thread, at any time, also when the waiting task has left
/// or the loop is closed. The first call counts, later ones do nothing. When the last copy goes
/// without a call the waiting task gets closed_error.
template <class T>
class completion_resolver {
public:
    explicit completion_resolver(std::shared_ptr<detail::completion_state<T>> state)
        : token_(std::make_shared<token>(std::move(state))) {}

    template <class U = T>
        requires(!std::is_void_v<T> && std::convertible_to<U &&, T>)
    void operator()(U&& value) const {
        token_->state->succeed(static_cast<U&&>(value));
    }
    void operator()() const
        requires std::is_void_v<T>
    {
        token_->state->succeed();
    }
    void fail(std::exception_ptr error) const noexcept { token_->state->fail(std::move(error)); }
    /// A cancelled task is unwound then; one that is not gets cancelled_error.
    void cancelled() const noexcept { token_->state->stop(); }

private:
    struct token {
        explicit token(std::shared_ptr<detail::completion_state<T>> s) noexcept
            : state(std::move(s)) {}
        token(const token&) = delete;
        token& operator=(const token&) = delete;
        ~token() { state->drop(); }
        std::shared_ptr<detail::completion_state<T>> state;
    };
    std::shared_ptr<token> token_;
};

/// What `completion` gives.
template <class T, class F>
class completion_awaitable final : public detail::leaf {
    using stop_function = std::invoke_result_t<F&, completion_resolver<T>>;
    static constexpr bool has_stop = !std::is_void_v<stop_function>;
    struct none {};

public:
    explicit completion_awaitable(F initiate) : initiate_(std::move(initiate)) {}
    completion_awaitable(completion_awaitable&& o) noexcept(std::is_nothrow_move_constructible_v<F>)
        : initiate_(std::move(o.initiate_)) {}
    completion_awaitable& operator=(completion_awaitable&&) = delete;

    bool ready() const noexcept { return false; }
    void start() {
        state_ = std::make_shared<detail::completion_state<T>>();
        state_->attach(waiter());
        auto const state = state_;
        completion_resolver<T> const resolve(state);  // outlives the initiator's own copies
        try {
            if constexpr (has_stop) {
                stop_.emplace(initiate_(resolve));
            } else {
                initiate_(resolve);
            }
        } catch (...) {
            state->fail(std::current_exception());
        }
    }
    T result() { return state_->take(); }

    bool cancel() noexcept override {
        if (state_->resolved()) return false;
        if constexpr (!has_stop) {
            return false;
        } else if constexpr (std::is_void_v<std::invoke_result_t<stop_function&>>) {
            (*stop_)();
            return state_->detach();
        } else {
            return (*stop_)() && state_->detach();
        }
    }
    void describe(std::string& out) const override { out += "a completion"; }

private:
    F initiate_;
    std::optional<std::conditional_t<has_stop, stop_function, none>> stop_;
    std::shared_ptr<detail::completion_state<T>> state_;
};

/// The bridge from callback interfaces: `initiate(resolve)` starts the operation when the completion is
/// awaited, and hands `resolve` (a `completion_resolver<T>`) to whatever will call back. An exception
/// of `initiate` is thrown at the co_await.
///
/// **cancel:** what `initiate` returns is called to stop the operation, on the loop's thread, without
/// throwing. Returning nothing or `true` it says that the callback will not come (one that comes all
/// the same is ignored); returning `false`, that it is still in flight and is waited for: it then calls
/// `resolve.cancelled()`, or gives a result after all, which wins. If `initiate` returns nothing, the
/// operation cannot be stopped and is waited for. A result that came before the cancel wins.
///
/// A loop with a completion in flight does not report a deadlock; virtual time does not wait for it.
///
///     int n = co_await completion<int>([&](auto resolve) {
///         auto* r = new request{std::move(resolve)};
///         c_api_start(r, [](request* r, int n) { r->resolve(n); delete r; });
///         return [r] { return c_api_cancel(r); };
///     });
template <class T = void, class F>
    requires std::invocable<F&, completion_resolver<T>>
completion_awaitable<T, F> completion(F initiate) {
    return completion_awaitable<T, F>(std::move(initiate));
}

}  // namespace green
