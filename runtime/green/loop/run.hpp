#pragma once

#include <green/core/typed_task.hpp>
#include <green/loop/run_options.hpp>

#include <concepts>
#include <source_location>
#include <type_traits>
#include <utility>

namespace green {
namespace detail {

/// The part of `run` that needs no template.
class run_session {
public:
    explicit run_session(const run_options& options);
    run_session(const run_session&) = delete;
    run_session& operator=(const run_session&) = delete;
    ~run_session();
    scheduler& owner() noexcept { return *scheduler::current(); }
    /// Runs main, ends all others, closes the loop. Throws deadlock_error, or what was unhandled.
    void drive(green_task& main);

private:
    bool driven_ = false;
};

template <class T>
T run_to_result(run_session& session, const task_ref<typed_task<T>>& main) {
    main->mark_observed();
    main->set_name("main");
    session.drive(*main);
    if (main->was_cancelled()) throw cancelled_error(main->cancelled_text());
    return main->take();
}

}  // namespace detail

/// Runs `main` and every green task it spawns on a loop of its own, on this thread, until main has
/// ended; returns or throws what main did.
///
/// Then the tasks that are left are cancelled and waited for (`run_options::shutdown_grace`): run
/// returns with no task, no handle and no descriptor left. SIGPIPE is blocked on this thread
/// meanwhile, and a pthread_cancel of it put off.
///
/// Throws `deadlock_error` when main waits and nothing can wake it any more, `cancelled_error` when
/// main was cancelled, and when main ended well but the failure of another task was never looked at,
/// that failure (see `loop::on_unhandled`). std::logic_error inside a running loop.
/// Model: asyncio.run, trio.run.
template <class T>
T run(
    task<T> main,
    run_options options = {},
    std::source_location where = std::source_location::current()
) {
    detail::run_session session(options);
    return detail::run_to_result<T>(
        session,
        detail::task_ref(detail::typed_task<T>::make(session.owner(), where, std::move(main)))
    );
}

/// The same for any other awaitable.
template <awaitable A>
    requires(!detail::is_task<A>)
auto run(
    A main, run_options options = {}, std::source_location where = std::source_location::current()
) {
    return run(detail::as_task(std::move(main)), options, where);
}

/// The same for a callable that is a coroutine: `f` and `args` live until main has ended.
template <class F, class... A>
    requires detail::task_callable<F, A...>
auto run(run_options options, F f, A... args) {
    using T = detail::callable_result_t<F, A...>;
    detail::run_session session(options);
    using made = detail::callable_task<T, F, A...>;
    return detail::run_to_result<T>(
        session,
        detail::task_ref<detail::typed_task<T>>(
            new made(session.owner(), std::source_location{}, std::move(f), std::move(args)...)
        )
    );
}
template <class F, class... A>
    requires(!awaitable<F> && !std::same_as<F, run_options>)
auto run(F f, A... args) {
    static_assert(
        detail::task_callable<F, A...>,
        "green: run takes a task, or a callable with its arguments that is a coroutine "
        "(its return type is green::task)"
    );
    if constexpr (detail::task_callable<F, A...>) {
        return run(run_options{}, std::move(f), std::move(args)...);
    }
}

}  // namespace green
