#pragma once

#include <green/executor/wait.hpp>
#include <green/tasks/stream.hpp>

#include <chrono>
#include <memory>
#include <utility>
#include <vector>

namespace green {
namespace detail {

[[noreturn]] void throw_unfinished(const future_set& set);

template <class T>
stream<future<T>> completed_futures(std::unique_ptr<future_set> set, clock::time_point deadline) {
    while (set->left() > 0) {
        set->expect(set->size() - set->left() + 1, false);
        bool const in_time = co_await wait_in_time(
            *set, deadline == clock::time_point::max() ? forever : deadline - clock::now()
        );
        if (!in_time) throw_unfinished(*set);
        co_yield future_of<T>(set->take_finished());
    }
}

}  // namespace detail

/// The futures of a range in the order in which they are done; those that are done already come first,
/// in the order given. Each comes once, whatever it ended with, and the stream keeps no reference to
/// one that it has given. What is left when the stream is dropped runs on, and has no trace of it.
///
/// After `timeout`, counted from the call, `next()` throws timeout_error, "2 (of 4) futures
/// unfinished", and the stream is at its end; what was done in time comes before that.
/// **cancel** of `next()`: terminal, see `stream::next`; the futures run on.
///
///     stream<future<page>> pages = as_completed(jobs);
///     while (auto page = co_await pages.next()) show(co_await *page);
///
/// Model: concurrent.futures.as_completed.
template <
    detail::future_range R,
    class Rep = std::chrono::nanoseconds::rep,
    class Period = std::nano>
auto as_completed(R&& futures, std::chrono::duration<Rep, Period> timeout = forever) {
    using T = typename detail::range_future_t<R>::value_type;
    auto const states = detail::distinct_states(futures);
    return detail::completed_futures<T>(
        std::make_unique<detail::future_set>(states),
        detail::saturating_add(clock::now(), detail::to_nanoseconds(timeout))
    );
}

}  // namespace green
