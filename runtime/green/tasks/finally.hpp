#pragma once

#include <green/tasks/shield.hpp>
#include <green/tasks/timeout.hpp>

#include <chrono>
#include <concepts>
#include <utility>

namespace green {
namespace detail {

template <class F>
auto task_from(F& f) {
    if constexpr (awaitable<F>) {
        return as_task(std::move(f));
    } else {
        return as_task(f());
    }
}
template <class F>
concept awaitable_or_callable = awaitable<F> || task_callable<F>;
template <class F>
struct task_from_result {
    using type = typename decltype(task_from(std::declval<F&>()))::value_type;
};

/// The same, called at its first step: what the callable itself throws is a failure of the task.
template <class T, class F>
task<T> begin_inside(F& f) {
    co_return co_await task_from(f);
}

/// Runs the cleanup under a shield and a limit; what it fails with joins `errors`.
template <class C>
task<> clean_up(
    C& cleanup, std::chrono::nanoseconds limit, std::vector<std::exception_ptr>& errors
) {
    shield_guard const guard;
    try {
        using T = typename task_from_result<C>::type;
        co_await limited<T>({"finally_ cleanup", limit}, task_from(cleanup));
    } catch (...) {
        errors.push_back(std::current_exception());
    }
}

template <class T, class B, class C>
task<T> finally_tasks(B body, C cleanup, std::chrono::nanoseconds limit) {
    scope s("finally_");
    auto child = s.add(begin_inside<T>(body));
    co_await s;
    std::vector<std::exception_ptr> errors = s.take_errors();
    co_await clean_up(cleanup, limit, errors);
    if (!errors.empty()) throw_all(std::move(errors));
    if (child->was_cancelled()) co_await no_result(s, *child);
    co_return child->take();
}

}  // namespace detail

/// Runs `body`, then `cleanup`, whatever happened: a value, an exception, a cancel, even one that was
/// pending before the body could begin. Both are callables that give something to await (or the
/// awaitable itself). For cleanup that awaits; what needs no await belongs into a destructor.
///
/// The cleanup runs shielded, for `limit` at most; then it is cancelled and timeout_error thrown. Gives
/// the body's result. An error of the cleanup is thrown too: alone as it is, with one of the body as
/// exception_group. **cancel:** cancels the body, waits for it, runs the cleanup, then unwinds.
///
///     co_await finally_([&] { return use(connection); }, [&] { return connection.close(); });
template <
    detail::awaitable_or_callable B,
    detail::awaitable_or_callable C,
    class Rep = std::chrono::seconds::rep,
    class Period = std::chrono::seconds::period>
auto finally_(
    B body, C cleanup, std::chrono::duration<Rep, Period> limit = std::chrono::seconds(5)
) {
    using T = typename detail::task_from_result<B>::type;
    return detail::finally_tasks<T>(
        std::move(body), std::move(cleanup), detail::to_nanoseconds(limit)
    );
}

}  // namespace green
