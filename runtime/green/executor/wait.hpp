#pragma once

#include <green/core/task.hpp>
#include <green/executor/future.hpp>
#include <green/executor/future_set.hpp>

#include <chrono>
#include <concepts>
#include <cstddef>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace green {

/// When a `wait` for several futures is over.
enum class return_when : unsigned char {
    all_completed,
    first_completed,
    first_exception,  ///< a failure; a cancelled one is none. Without one: all_completed
};

/// How long and for what to wait.
struct wait_options {
    std::chrono::nanoseconds timeout = forever;  ///< then the wait ends with what is done
    green::return_when return_when = green::return_when::all_completed;
};

/// The futures that were waited for, each once, in the order given.
template <class T>
struct wait_result {
    std::vector<future<T>> done;
    std::vector<future<T>> not_done;
};

namespace detail {

template <class T>
inline constexpr bool is_future = false;
template <class T>
inline constexpr bool is_future<future<T>> = true;

template <class R>
concept future_range = std::ranges::input_range<R> &&
    is_future<std::remove_cvref_t<std::ranges::range_reference_t<R>>>;

template <future_range R>
using range_future_t = std::remove_cvref_t<std::ranges::range_reference_t<R>>;

/// The states of the futures of a range, each once.
template <future_range R>
std::vector<state_ref<future_base>> distinct_states(R&& futures) {
    std::vector<state_ref<future_base>> all;
    if constexpr (std::ranges::sized_range<R>) {
        all.reserve(static_cast<std::size_t>(std::ranges::size(futures)));
    }
    for (auto&& f : futures) all.push_back(future_access::state(f));
    std::vector<std::size_t> const places = distinct(all);
    if (places.size() == all.size()) return all;
    std::vector<state_ref<future_base>> once;
    once.reserve(places.size());
    for (std::size_t const i : places) once.push_back(std::move(all[i]));
    return once;
}

template <class T>
future<T> future_of(state_ref<future_base> s) noexcept {
    return future_access::make(
        state_ref<future_state<T>>::adopt(static_cast<future_state<T>*>(s.release()))
    );
}

void expect(future_set& set, return_when w);
void block_for(std::span<const state_ref<future_base>> states, const wait_options& options);

template <class T>
wait_result<T> sort_by_done(std::vector<state_ref<future_base>> states) {
    wait_result<T> result;
    for (auto& s : states) {
        bool const done = s->done();
        (done ? result.done : result.not_done).push_back(future_of<T>(std::move(s)));
    }
    return result;
}

template <class T>
task<wait_result<T>> wait_for(std::vector<state_ref<future_base>> states, wait_options options) {
    {
        future_set set(states);
        expect(set, options.return_when);
        co_await wait_in_time(set, options.timeout);
    }
    co_return sort_by_done<T>(std::move(states));
}

}  // namespace detail

/// Waits until all of the futures are done, the first of them is, or the first has failed; or for
/// `options.timeout`, counted from the co_await. Nothing is thrown for what they ended with, and those
/// that are not done run on.
///
/// `futures` is any range of `future<T>`; the handles are copied at the call. To take them one by one,
/// in the order in which they end, use `as_completed`. **cancel:** total.
///
///     auto [done, not_done] = co_await wait(jobs, {.return_when = return_when::first_completed});
///
/// Model: concurrent.futures.wait.
template <detail::future_range R>
auto wait(R&& futures, wait_options options = {}) {
    using T = typename detail::range_future_t<R>::value_type;
    return detail::wait_for<T>(detail::distinct_states(futures), options);
}

/// The same for a thread without a loop: blocks it. std::logic_error on a thread whose loop is running,
/// and where future::result() says that it could never return.
template <detail::future_range R>
auto blocking_wait(R&& futures, wait_options options = {}) {
    using T = typename detail::range_future_t<R>::value_type;
    auto states = detail::distinct_states(futures);
    detail::block_for(states, options);
    return detail::sort_by_done<T>(std::move(states));
}

}  // namespace green
