#pragma once

#include <green/tasks/scope.hpp>

#include <ranges>
#include <tuple>
#include <utility>
#include <vector>

namespace green {
namespace detail {

template <class... T>
task<std::tuple<value_or_unit<T>...>> when_all_tasks(task<T>... bodies) {
    scope s("when_all");
    std::tuple<task_ref<typed_task<T>>...> children{s.add(std::move(bodies))...};
    co_await s;
    s.rethrow();
    const green_task* cancelled = nullptr;
    std::apply(
        [&](auto&... c) { ((cancelled = c->was_cancelled() ? c.get() : cancelled), ...); }, children
    );
    if (cancelled) co_await no_result(s, *cancelled);
    co_return std::apply(
        [](auto&... c) { return std::tuple<value_or_unit<T>...>(take_value(*c)...); }, children
    );
}

template <class T>
task<std::conditional_t<std::is_void_v<T>, void, std::vector<value_or_unit<T>>>> when_all_list(
    std::vector<task<T>> bodies
) {
    scope s("when_all");
    std::vector<task_ref<typed_task<T>>> children;
    children.reserve(bodies.size());
    for (auto& body : bodies) children.push_back(s.add(std::move(body)));
    bodies.clear();
    co_await s;
    s.rethrow();
    for (auto& c : children) {
        if (c->was_cancelled()) co_await no_result(s, *c);
    }
    if constexpr (!std::is_void_v<T>) {
        std::vector<T> values;
        values.reserve(children.size());
        for (auto& c : children) values.push_back(c->take());
        co_return values;
    }
}

template <class R>
concept range_of_tasks = std::ranges::input_range<R> &&
    is_task<std::remove_cvref_t<std::ranges::range_reference_t<R>>>;

}  // namespace detail

/// Runs all of them at once, each as a green task, and gives their values in argument order; void
/// counts as std::monostate. The first failure cancels the others; when all have ended it is
/// rethrown, several as exception_group.
/// **cancel:** passed on to all; returns (unwinds) when the last has ended.
/// Models: Trio's nursery, asyncio.TaskGroup; unlike asyncio.gather nothing is left running.
template <awaitable... A>
auto when_all(A... awaitables) {  // NOLINT(performance-unnecessary-value-param): some can be copied
    return detail::when_all_tasks<await_result_t<A>...>(detail::as_task(std::move(awaitables))...);
}

/// The same for a range of `task<T>`, which is moved from: a vector of the values in the range's
/// order, or nothing for void.
template <detail::range_of_tasks R>
auto when_all(R&& bodies) {
    using T = typename std::remove_cvref_t<std::ranges::range_reference_t<R>>::value_type;
    std::vector<task<T>> list;
    if constexpr (std::ranges::sized_range<R>) list.reserve(std::ranges::size(bodies));
    for (auto&& body : bodies) list.push_back(std::move(body));
    return detail::when_all_list<T>(std::move(list));
}

}  // namespace green
