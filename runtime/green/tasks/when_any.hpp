#pragma once

#include <green/tasks/when_all.hpp>

#include <optional>
#include <tuple>
#include <utility>
#include <variant>

namespace green {
namespace detail {

template <class Variant, std::size_t I, class Child>
bool take_if_first(std::optional<Variant>& out, const green_task* first, Child& child) {
    if (child.get() != first || child->was_cancelled()) return false;
    out.emplace(std::in_place_index<I>, take_value(*child));
    return true;
}

template <class... T>
task<std::variant<value_or_unit<T>...>> when_any_tasks(task<T>... bodies) {
    using variant = std::variant<value_or_unit<T>...>;
    scope s("when_any");
    s.stop_at_first_end();
    std::tuple<task_ref<typed_task<T>>...> children{s.add(std::move(bodies))...};
    co_await s;
    s.rethrow();
    std::optional<variant> winner;
    [&]<std::size_t... I>(std::index_sequence<I...>) {
        (take_if_first<variant, I>(winner, s.first_ended(), std::get<I>(children)) || ...);
    }(std::index_sequence_for<T...>{});
    if (!winner) co_await no_result(s, *std::get<0>(children));
    co_return std::move(*winner);
}

}  // namespace detail

/// Runs all of them at once, each as a green task. The first that ends decides: its value is the
/// result, `index()` says which it was (void gives std::monostate). The others are cancelled, and
/// when_any returns when they have ended, so none of them outlives it.
///
/// Errors are never dropped: if the first to end failed, or another one fails on its way out, that
/// error is thrown; several as exception_group.
/// Of tasks that end at one instant the first in argument order wins.
/// **cancel:** passed on to all; unwinds when the last has ended, unless one brought its value all the
/// same: that is the result then.
/// Model: trio's nursery with a cancelled scope, corral::anyOf; losers are awaited, unlike in Go's
/// select or asyncio.wait(FIRST_COMPLETED).
template <awaitable... A>
    requires(sizeof...(A) > 0)
auto when_any(A... awaitables) {
    return detail::when_any_tasks<await_result_t<A>...>(detail::as_task(std::move(awaitables))...);
}

}  // namespace green
