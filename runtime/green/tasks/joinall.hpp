#pragma once

#include <green/tasks/join_handle.hpp>
#include <green/tasks/join_set.hpp>

#include <chrono>
#include <cstddef>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

namespace green {

/// Every one of them: `joinall_options::count`.
inline constexpr std::size_t all = static_cast<std::size_t>(-1);

struct joinall_options {
    std::chrono::nanoseconds timeout = forever;  // counted from the co_await
    std::size_t count = all;  // return when so many have ended
    bool raise_error = false;  // throw the first failure, at once
};

namespace detail {

template <class H>
inline constexpr bool is_join_handle = false;
template <class T>
inline constexpr bool is_join_handle<join_handle<T>> = true;

template <class R>
concept range_of_handles = std::ranges::input_range<R> &&
    is_join_handle<std::remove_cvref_t<std::ranges::range_reference_t<R>>>;

template <range_of_handles R>
auto to_vector(R&& handles) {
    std::vector<std::remove_cvref_t<std::ranges::range_reference_t<R>>> list;
    if constexpr (std::ranges::sized_range<R>) list.reserve(std::ranges::size(handles));
    for (auto&& h : handles) list.push_back(h);
    return list;
}

template <class T>
task_refs to_refs(const std::vector<join_handle<T>>& handles) {
    task_refs refs;
    refs.reserve(handles.size());
    for (auto const& h : handles) refs.emplace_back(&handle_access::task_of(h));
    return refs;
}

template <class T>
task<std::vector<join_handle<T>>> joinall_handles(
    std::vector<join_handle<T>> handles, joinall_options options
) {
    join_limits limits;
    limits.deadline = saturating_add(now(), options.timeout);
    limits.count = options.count;
    limits.first_failure = options.raise_error;
    std::vector<std::size_t> const ended = co_await join_many(to_refs(handles), limits);
    std::vector<join_handle<T>> result;
    result.reserve(ended.size());
    for (std::size_t i : ended) {
        if (options.raise_error) {
            if (std::exception_ptr e = handles[i].exception()) std::rethrow_exception(std::move(e));
        }
        result.push_back(handles[i]);
    }
    co_return result;
}

/// Cancels all, waits for all; throws timeout_error if some are still running then.
task<> kill_all(task_refs tasks, std::chrono::nanoseconds timeout, std::source_location where);

}  // namespace detail

/// Waits until all tasks of the range have ended (or `count` of them, or `timeout` is over) and gives
/// those that have, in the order in which they did. Stragglers keep running and have no `value()`.
/// What the tasks ended with is in the handles; with `raise_error` the failure that happened first in
/// time is thrown as soon as it is there, and the others keep running.
/// **cancel:** total; the tasks run on. Model: gevent.joinall.
template <detail::range_of_handles R>
auto joinall(R&& handles, joinall_options options = {}) {
    return detail::joinall_handles(detail::to_vector(handles), options);
}

/// The same with a timeout only.
template <detail::range_of_handles R, class Rep, class Period>
auto joinall(R&& handles, std::chrono::duration<Rep, Period> timeout) {
    joinall_options options;
    options.timeout = detail::to_nanoseconds(timeout);
    return detail::joinall_handles(detail::to_vector(handles), options);
}

/// Cancels all tasks of the range and waits until all have ended; timeout_error if some have not
/// after `timeout`. Does not throw what they end with. **cancel:** the tasks stay cancelled.
/// Model: gevent.killall.
template <detail::range_of_handles R, class Rep, class Period>
task<> killall(
    R&& handles,
    std::chrono::duration<Rep, Period> timeout,
    std::source_location where = std::source_location::current()
) {
    auto const limit = detail::to_nanoseconds(timeout);
    return detail::kill_all(detail::to_refs(detail::to_vector(handles)), limit, where);
}

/// The same however long it takes.
template <detail::range_of_handles R>
task<> killall(R&& handles, std::source_location where = std::source_location::current()) {
    return killall(handles, forever, where);
}

}  // namespace green
