#pragma once

#include <green/tasks/scope.hpp>

#include <chrono>
#include <optional>
#include <utility>

namespace green {
namespace detail {

[[noreturn]] void throw_timeout(const char* operation, std::chrono::nanoseconds limit);

/// A limit as the caller gave it.
struct time_limit {
    const char* operation;
    std::chrono::nanoseconds delay;  // counted from the co_await
    std::optional<clock::time_point> deadline{};  // or a point in time
    clock::time_point from(clock::time_point start) const noexcept {
        return deadline ? *deadline : saturating_add(start, delay);
    }
};

template <class T>
task<T> limited(time_limit limit, task<T> body) {
    clock::time_point const start = now();
    scope s(limit.operation);
    s.set_deadline(limit.from(start));
    auto child = s.add(std::move(body));
    co_await s;
    s.rethrow();
    if (child->was_cancelled()) {
        if (s.expired_first()) throw_timeout(limit.operation, s.deadline() - start);
        co_await no_result(s, *child);
    }
    co_return child->take();
}

template <class T>
using optional_or_bool =
    std::conditional_t<std::is_void_v<T>, bool, std::optional<value_or_unit<T>>>;

template <class T>
task<optional_or_bool<T>> limited_silently(time_limit limit, task<T> body) {
    scope s(limit.operation);
    s.set_deadline(limit.from(now()));
    auto child = s.add(std::move(body));
    co_await s;
    s.rethrow();
    if (child->was_cancelled()) {
        if (s.expired_first()) co_return optional_or_bool<T>{};
        co_await no_result(s, *child);
    }
    if constexpr (std::is_void_v<T>) {
        co_return true;
    } else {
        co_return std::optional<T>(child->take());
    }
}

}  // namespace detail

/// Runs `a` as a green task and gives its result; if it has not ended after `limit` (counted from the
/// co_await of this) it is cancelled, waited for, and timeout_error is thrown.
///
/// The value wins a tie with the deadline, and a failure of `a` is never replaced by timeout_error.
/// Zero or less lets a body that never suspends complete; `forever` never fires. Of nested limits the
/// one that ran out reports. Inside, `this_task::deadline()` is the nearest one.
/// **cancel:** passed on to `a`; stays a cancel. Models: trio.fail_after, asyncio.timeout.
template <class Rep, class Period, awaitable A>
auto with_timeout(std::chrono::duration<Rep, Period> limit, A a) {
    return detail::limited<await_result_t<A>>(
        {"with_timeout", detail::to_nanoseconds(limit)}, detail::as_task(std::move(a))
    );
}

/// The same with a point in time of the loop's clock. Model: trio.fail_at.
template <awaitable A>
auto with_deadline(clock::time_point deadline, A a) {
    return detail::limited<await_result_t<A>>(
        {"with_deadline", {}, deadline}, detail::as_task(std::move(a))
    );
}

/// As with_timeout, but gives an empty optional (false for void) instead of throwing when the time is
/// over. Model: trio.move_on_after.
template <class Rep, class Period, awaitable A>
auto move_on_after(std::chrono::duration<Rep, Period> limit, A a) {
    return detail::limited_silently<await_result_t<A>>(
        {"move_on_after", detail::to_nanoseconds(limit)}, detail::as_task(std::move(a))
    );
}

}  // namespace green
