#pragma once

#include <green/tasks/join_handle.hpp>

#include <concepts>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace green {

namespace detail {
struct result_access;
bool is_cancelled_error(const std::exception_ptr& error) noexcept;
}  // namespace detail

/// How something ended, as a value: with a T, or with an exception. What `as_result` gives.
///
///     result<std::string> r = co_await as_result(fetch(url));
///     if (r) use(*r);
///     else if (r.cancelled()) …
///     else std::rethrow_exception(r.error());
///
/// Model: std::expected<T, std::exception_ptr>.
template <class T = void>
class result {
    using stored = std::conditional_t<
        std::is_void_v<T>,
        bool,
        std::conditional_t<std::is_reference_v<T>, std::remove_reference_t<T>*, T>>;

public:
    using value_type = T;

    bool has_value() const noexcept { return value_.has_value(); }
    explicit operator bool() const noexcept { return has_value(); }

    /// What `value()` would throw; null if there is a value.
    std::exception_ptr error() const noexcept { return error_; }
    /// The error is a cancelled_error: the task that was waited for had been cancelled. (The task that
    /// awaits never sees a cancel of its own here: it is unwound.)
    bool cancelled() const noexcept { return error_ && detail::is_cancelled_error(error_); }

    /// The value, or the error thrown.
    auto value(
    ) const& -> std::conditional_t<std::is_void_v<T> || std::is_reference_v<T>, T, const stored&> {
        check();
        if constexpr (!std::is_void_v<T>) return get(*value_);
    }
    auto value() & -> std::conditional_t<std::is_void_v<T> || std::is_reference_v<T>, T, stored&> {
        check();
        if constexpr (!std::is_void_v<T>) return get(*value_);
    }
    T value() && {
        check();
        if constexpr (!std::is_void_v<T>) return get(std::move(*value_));
    }

    /// As with std::optional; there must be a value.
    decltype(auto) operator*() const& noexcept
        requires(!std::is_void_v<T>)
    {
        return get(*value_);
    }
    decltype(auto) operator*() & noexcept
        requires(!std::is_void_v<T>)
    {
        return get(*value_);
    }
    decltype(auto) operator*() && noexcept
        requires(!std::is_void_v<T>)
    {
        return get(std::move(*value_));
    }
    auto* operator->() const noexcept
        requires(!std::is_void_v<T>)
    {
        return std::addressof(get(*value_));
    }
    auto* operator->() noexcept
        requires(!std::is_void_v<T>)
    {
        return std::addressof(get(*value_));
    }

    /// The value, or `other` in place of an error.
    template <class U>
        requires(!std::is_void_v<T> && std::convertible_to<U, T>)
    T value_or(U&& other) const& {
        if (has_value()) return get(*value_);
        return static_cast<T>(static_cast<U&&>(other));
    }
    template <class U>
        requires(!std::is_void_v<T> && std::convertible_to<U, T>)
    T value_or(U&& other) && {
        if (has_value()) return get(std::move(*value_));
        return static_cast<T>(static_cast<U&&>(other));
    }

private:
    friend struct detail::result_access;
    result() = default;

    void check() const {
        if (error_) std::rethrow_exception(error_);
    }
    template <class S>
    static decltype(auto) get(S&& s) noexcept {
        if constexpr (std::is_reference_v<T>) {
            return static_cast<T>(*s);
        } else {
            return static_cast<S&&>(s);
        }
    }

    std::optional<stored> value_;
    std::exception_ptr error_;
};

namespace detail {

struct result_access {
    template <class T, class... A>
    static result<T> success(A&&... value) {
        result<T> r;
        if constexpr (std::is_void_v<T>) {
            r.value_ = true;
        } else if constexpr (std::is_reference_v<T>) {
            r.value_ = (std::addressof(value), ...);
        } else {
            r.value_.emplace(static_cast<A&&>(value)...);
        }
        return r;
    }
    template <class T>
    static result<T> failure(std::exception_ptr error) {
        result<T> r;
        r.error_ = std::move(error);
        return r;
    }
};

std::exception_ptr cancelled_error_of(const green_task& t);

/// A `task<T>` awaited in place: its outcome is there, nothing is thrown again.
template <class T>
class child_result_awaiter final : public child_awaiter<T> {
public:
    using child_awaiter<T>::child_awaiter;

    result<T> await_resume() {
        if (!this->has_value()) return result_access::failure<T>(this->error());
        if constexpr (std::is_void_v<T>) {
            return result_access::success<T>();
        } else if constexpr (std::is_reference_v<T>) {
            return result_access::success<T>(*this->value());
        } else {
            return result_access::success<T>(std::move(this->value()));
        }
    }
};

template <class T>
class [[nodiscard]] task_result {
public:
    static constexpr bool is_scheduler_awaiter = true;

    explicit task_result(task<T> body) noexcept : body_(std::move(body)) {}
    /// Before it is awaited only.
    task_result(task_result&& o) noexcept : body_(std::move(o.body_)) {}
    task_result& operator=(task_result&&) = delete;

    bool await_ready() {
        awaiter_.emplace(std::move(body_));
        return false;
    }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
        return awaiter_->await_suspend(parent);
    }
    result<T> await_resume() { return awaiter_->await_resume(); }

private:
    task<T> body_;
    std::optional<child_result_awaiter<T>> awaiter_;
};

/// Waits for a green task and gives its outcome.
template <class T, bool Move>
class [[nodiscard]] handle_result final : public join_leaf {
public:
    explicit handle_result(task_ref<typed_task<T>> t) noexcept
        : join_leaf(t.get()), ref_(std::move(t)) {}

    green::result<T> result() {
        ref_->mark_observed();
        if (ref_->was_cancelled()) {
            return result_access::failure<T>(cancelled_error_of(*ref_));
        }
        if (!ref_->has_value()) return result_access::failure<T>(ref_->error());
        result_leaf<T, Move> leaf(std::move(ref_));
        if constexpr (std::is_void_v<T>) {
            leaf.result();
            return result_access::success<T>();
        } else {
            return result_access::success<T>(leaf.result());
        }
    }

private:
    task_ref<typed_task<T>> ref_;
};

template <awaitable A>
task<result<await_result_t<A>>> caught_result(A a) {
    using T = await_result_t<A>;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await static_cast<A&&>(a);
            co_return result_access::success<T>();
        } else {
            co_return result_access::success<T>(co_await static_cast<A&&>(a));
        }
    } catch (...) {
        co_return result_access::failure<T>(std::current_exception());
    }
}

}  // namespace detail

/// Awaits anything and gives how it ended as a `result<T>` instead of throwing: for retries, for hot
/// paths, for `when_all(as_result(a), as_result(b))`, where one failure must not cancel the others.
///
/// Of a `task` and of a `join_handle` the outcome is handed on as it is, without a throw; what else
/// can be awaited throws once, inside. A task that was joined counts as looked at. Misuse, such as a
/// task that joins itself, still throws std::logic_error.
/// **cancel:** as awaiting the thing itself; a cancel of the awaiting task is no result, it unwinds.
///
///     result<int> r = co_await as_result(handle);
template <class T>
auto as_result(task<T> body) noexcept {
    return detail::task_result<T>(std::move(body));
}
template <class T>
auto as_result(const join_handle<T>& handle) {
    static_assert(
        std::is_void_v<T> || std::is_reference_v<T> || std::copy_constructible<T>,
        "green: this result cannot be copied: write as_result(std::move(handle))"
    );
    return detail::handle_result<T, false>(
        detail::task_ref<detail::typed_task<T>>(&detail::handle_access::task_of(handle))
    );
}
template <class T>
auto as_result(join_handle<T>&& handle) {
    detail::task_ref<detail::typed_task<T>> ref(&detail::handle_access::task_of(handle));
    handle = join_handle<T>();
    return detail::handle_result<T, true>(std::move(ref));
}
template <awaitable A>
auto as_result(A a) {
    return detail::caught_result<A>(std::move(a));
}

}  // namespace green
