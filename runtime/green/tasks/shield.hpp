#pragma once

#include <green/core/typed_task.hpp>

#include <utility>

namespace green {
namespace detail {

/// While it lives, a cancel of the green task that runs now is held back.
class shield_guard {
public:
    shield_guard() noexcept : task_(*scheduler::current()->running()) { task_.enter_shield(); }
    ~shield_guard() { task_.leave_shield(); }
    shield_guard(const shield_guard&) = delete;
    shield_guard& operator=(const shield_guard&) = delete;

private:
    green_task& task_;
};

template <class T>
task<T> shielded(task<T> body) {
    shield_guard const guard;
    co_return co_await std::move(body);
}

}  // namespace detail

/// Awaits `a` to its end even if the task is cancelled meanwhile, or was before; the cancel then takes
/// effect at the next suspension. Limits inside still work. Keep it short: at the end of a run a
/// shield holds for `run_options::shutdown_grace`.
/// Model: trio.CancelScope(shield=True). (asyncio.shield is something else: there the waiter leaves.)
template <awaitable A>
auto shield(A a) {
    return detail::shielded<await_result_t<A>>(detail::as_task(std::move(a)));
}

}  // namespace green
