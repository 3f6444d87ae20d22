#pragma once

// Internal: what a job is to every executor.

#include <green/core/awaitable.hpp>

#include <functional>
#include <stop_token>
#include <type_traits>
#include <utility>

namespace green::detail {

template <class F, class... A>
concept takes_stop_token = std::is_invocable_v<F&, std::stop_token, A...>;

/// What may be submitted: `f(args...)`, or `f(stop_token, args...)`, with the arguments moved in.
template <class F, class... A>
concept job_callable = takes_stop_token<F, A...> || std::is_invocable_v<F&, A...>;

template <class F, class... A>
decltype(auto) call_job(F& f, const std::stop_token& stop, A&... args) {
    if constexpr (takes_stop_token<F, A...>) {
        return std::invoke(f, stop, std::move(args)...);
    } else {
        return std::invoke(f, std::move(args)...);
    }
}

/// The type of a job's result: a value, since it outlives the call.
template <class F, class... A>
struct job_result;
template <class F, class... A>
    requires takes_stop_token<F, A...>
struct job_result<F, A...> {
    using type = std::remove_cvref_t<std::invoke_result_t<F&, std::stop_token, A...>>;
};
template <class F, class... A>
    requires(!takes_stop_token<F, A...> && std::is_invocable_v<F&, A...>)
struct job_result<F, A...> {
    using type = std::remove_cvref_t<std::invoke_result_t<F&, A...>>;
};
template <class F, class... A>
using job_result_t = typename job_result<F, A...>::type;

/// One readable sentence instead of what the compiler would say.
template <class F, class... A>
constexpr void check_job() {
    static_assert(
        job_callable<F, A...>, "green: submit takes a callable and the arguments to call it with"
    );
    if constexpr (job_callable<F, A...>) {
        static_assert(
            !is_task<job_result_t<F, A...>>,
            "green: a job cannot be a coroutine: there is no loop where it runs"
        );
    }
}

/// The same with the check before it.
template <class F, class... A>
struct checked_job_result {
    static_assert(
        job_callable<F, A...>, "green: submit takes a callable and the arguments to call it with"
    );
    using type = job_result_t<F, A...>;
};
template <class F, class... A>
using checked_job_result_t = typename checked_job_result<F, A...>::type;

}  // namespace green::detail
