#pragma once

#include <green/core/typed_task.hpp>
#include <green/tasks/join_handle.hpp>

#include <concepts>
#include <source_location>
#include <string_view>
#include <type_traits>
#include <utility>

namespace green {

/// How a task shows itself.
struct spawn_options {
    /// Copied. For dumps, reports and `this_task::name()`.
    std::string_view name{};
    /// Where it was spawned: the place of this object's braces.
    std::source_location where = std::source_location::current();
};

namespace detail {

template <class T>
join_handle<T> start_in(scheduler& s, nursery& home, typed_task<T>* made) noexcept {
    task_ref<typed_task<T>> ref(made);
    s.start(*made, home);
    return handle_access::make(std::move(ref));
}

template <class T>
join_handle<T> start_in(scheduler& s, nursery& home, typed_task<T>* made, std::string_view name) {
    if (name.empty()) return start_in(s, home, made);
    task_ref<typed_task<T>> const ref(made);
    made->set_name(name);
    return start_in(s, home, made);
}

template <class T>
join_handle<T> spawn_in(scheduler& s, nursery& home, const spawn_options& options, task<T> body) {
    return start_in(s, home, typed_task<T>::make(s, options.where, std::move(body)), options.name);
}

template <class F, class... A>
auto spawn_in(scheduler& s, nursery& home, const spawn_options& options, F f, A... args) {
    static_assert(
        task_callable<F, A...> || (sizeof...(A) == 0 && awaitable<F>),
        "green: spawn takes a task, or a callable with its arguments that is a coroutine "
        "(its return type is green::task)"
    );
    if constexpr (sizeof...(A) == 0 && awaitable<F>) {
        return spawn_in(s, home, options, as_task(std::move(f)));
    } else if constexpr (task_callable<F, A...>) {
        using T = callable_result_t<F, A...>;
        auto* made =
            new callable_task<T, F, A...>(s, options.where, std::move(f), std::move(args)...);
        return start_in<T>(s, home, static_cast<typed_task<T>*>(made), options.name);
    }
}

/// Options of a callable whose caller gave none.
inline constexpr spawn_options place_of_coroutine{{}, std::source_location{}};

template <class F>
concept not_options = !std::same_as<std::remove_cvref_t<F>, spawn_options>;

}  // namespace detail

/// Makes a green task of `body`. It starts at the loop's next turn, never inside `spawn`; tasks start
/// in the order in which they were spawned. The loop owns it: it ends with the run at the latest.
/// std::logic_error where no loop runs. Model: gevent.spawn.
///
///     join_handle<int> h = spawn(compute(7));
///     int n = co_await h;
template <class T>
join_handle<T> spawn(task<T> body, std::source_location where = std::source_location::current()) {
    detail::scheduler& s = detail::scheduler::require("spawn");
    return detail::start_in(s, s.root(), detail::typed_task<T>::make(s, where, std::move(body)));
}

/// Makes a green task of `f(args...)`, called at its first step; `f` and `args` live until it has
/// ended. The way for lambdas: the closure of a coroutine must outlive it. In dumps such a task shows
/// the place of its coroutine, or that of the options' braces.
///
///     spawn([&](std::string host) -> task<> { … }, "example.org");
template <class F, class... A>
    requires detail::not_options<F>
auto spawn(F f, A... args) {
    detail::scheduler& s = detail::scheduler::require("spawn");
    return detail::spawn_in(
        s, s.root(), detail::place_of_coroutine, std::move(f), std::move(args)...
    );
}

/// Either form with options first: `spawn({.name = "reader"}, read_all, std::move(stream))`.
template <class... A>
auto spawn(spawn_options options, A... args) {
    detail::scheduler& s = detail::scheduler::require("spawn");
    return detail::spawn_in(s, s.root(), options, std::move(args)...);
}

}  // namespace green
