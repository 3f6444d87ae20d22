#pragma once

#include <green/executor/future.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace green {

/// The other side of a `future`: whoever holds it decides the outcome, once. For jobs of your own; one
/// of an executor has its future from `submit`. To wait for a callback, `completion` needs less.
///
/// Move-only. Several threads may try to decide: for all but the first a std::logic_error, and nothing
/// changes. The same if the future has been cancelled; `set_running()` finds that out, and from then on
/// it cannot be. A promise that dies undecided gives its future a closed_error.
/// Model: std::promise, with the steps of concurrent.futures.Future.
template <class T>
class promise {
public:
    promise() : state_(detail::make_state<detail::future_state<T>>()) {}
    promise(promise&&) noexcept = default;
    promise& operator=(promise&& o) noexcept {
        if (this != &o) {
            drop();
            state_ = std::move(o.state_);
        }
        return *this;
    }
    ~promise() { drop(); }

    /// As often as you like.
    future<T> get_future() const { return detail::future_access::make(require()); }

    /// Begins: from now on the future cannot be cancelled. False if it has been. Not needed before an
    /// outcome. std::logic_error the second time.
    bool set_running() { return require()->set_running(); }

    /// Waiters and callbacks see it before this returns (callbacks run here). If moving the value
    /// into the future throws, that exception is the outcome.
    template <class U = T>
        requires(!std::is_void_v<T> && std::convertible_to<U &&, T>)
    void set_value(U&& value) {
        auto const state = require();  // who has got the value may destroy the promise
        state->claim();
        state->succeed(static_cast<U&&>(value));
    }
    void set_value()
        requires std::is_void_v<T>
    {
        auto const state = require();
        state->claim();
        state->succeed();
    }
    /// A null pointer is a std::invalid_argument.
    void set_exception(std::exception_ptr error) {
        if (!error) throw std::invalid_argument("promise::set_exception: there is no exception");
        auto const state = require();
        state->claim();
        state->fail(std::move(error));
    }

private:
    const detail::state_ref<detail::future_state<T>>& require() const {
        if (!state_) detail::throw_logic_error("green: this promise has been moved from");
        return state_;
    }
    void drop() noexcept {
        if (state_ && !state_->done()) state_->abandon(detail::broken_promise());
    }

    detail::state_ref<detail::future_state<T>> state_;
};

}  // namespace green
