#pragma once

#include <green/core/typed_task.hpp>
#include <green/debug/stats.hpp>
#include <green/loop/sleep.hpp>

#include <chrono>
#include <type_traits>
#include <utility>

namespace green {

namespace detail {

/// Throws std::logic_error if no step was made since `resumes`, or one lasted longer than `limit`.
void check_switches(const loop_meter& meter, std::uint64_t resumes, std::chrono::nanoseconds limit);

}  // namespace detail

/// For tests and debugging: awaits `op` as it is and gives its result, but throws std::logic_error if
/// the task never let others run meanwhile, or if one step (of any task of this loop) lasted longer than
/// `limit` of real time. It begins with a `yield()`. What `op` throws goes on as it is.
/// **cancel:** passed on. Model: gevent.util.assert_switches.
///
///     co_await assert_switches(handle_request(r), 10ms);
template <awaitable A>
task<await_result_t<A>> assert_switches(A op, std::chrono::nanoseconds limit = forever) {
    loop_meter const meter;
    co_await yield();  // the meter sees whole steps from here on
    std::uint64_t const before = this_loop_stats().resumes;
    if constexpr (std::is_void_v<await_result_t<A>>) {
        co_await static_cast<A&&>(op);
        detail::check_switches(meter, before, limit);
    } else {
        decltype(auto) result = co_await static_cast<A&&>(op);
        detail::check_switches(meter, before, limit);
        co_return static_cast<await_result_t<A>&&>(result);
    }
}

}  // namespace green
