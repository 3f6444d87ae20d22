#pragma once

// Internal: how green tasks wait for futures and for jobs.

#include <green/core/awaitable.hpp>
#include <green/executor/future_state.hpp>

#include <string>
#include <type_traits>
#include <utility>

namespace green::detail {

/// A green task's wait for a future.
class future_wait : public leaf, protected future_watch, protected remote_call {
public:
    explicit future_wait(state_ref<future_base> f) noexcept : future_(std::move(f)) {}

    bool ready() const noexcept { return future_->done(); }
    void start();
    bool cancel() noexcept override;
    void describe(std::string& out) const override { future_->describe(out); }

protected:
    const state_ref<future_base>& future() const noexcept { return future_; }
    void set_future(state_ref<future_base> f) noexcept { future_ = std::move(f); }
    /// The wait is over, on the loop's thread.
    void stop_holding_clock() noexcept;

private:
    void completed() noexcept override;  // on the thread that ends the job
    void run() noexcept override;  // on the loop's thread, some time later

    state_ref<future_base> future_;  // the awaited handle may be a temporary
};

/// Until it is done, whatever it ends with.
class done_leaf final : public future_wait {
public:
    using future_wait::future_wait;
    void result() const noexcept {}
};
struct until_done {
    state_ref<future_base> future;
    auto operator co_await() && { return done_leaf(std::move(future)); }
};

/// The wait of one who owns the job and must not leave before it has ended.
class owning_wait : public future_wait {
public:
    using future_wait::future_wait;
    bool cancel() noexcept override;

private:
    void run() noexcept override;

    bool asked_ = false;
};

/// Gives the result of a future. `Moved`: the awaited handle was an rvalue.
template <class T, bool Moved>
class future_leaf final : public future_wait {
    static_assert(
        Moved || std::is_void_v<T> || std::is_copy_constructible_v<T>,
        "green: the result of this future can only be moved: co_await std::move(f)"
    );

public:
    explicit future_leaf(state_ref<future_state<T>> s) noexcept : future_wait(std::move(s)) {}
    T result() {
        auto& state = static_cast<future_state<T>&>(*this->future());
        if constexpr (Moved) {
            return state.take_or_get();
        } else {
            return state.get();
        }
    }
};

}  // namespace green::detail
