#pragma once

#include <green/core/process_role.hpp>
#include <green/loop/run.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace green {
namespace detail {

/// Runs `main` with the signals; the exit status of the program.
int run_main_task(task<int> main);

template <class R>
task<int> with_status(task<R> main) {
    if constexpr (std::is_void_v<R>) {
        co_await std::move(main);
        co_return 0;
    } else {
        co_return co_await std::move(main);
    }
}

}  // namespace detail

/// For `int main`: runs `amain(argc, argv)` (or `amain()`), a coroutine that gives an exit status or
/// nothing, and returns the status. What escapes is printed to stderr and gives 1.
///
/// SIGINT and SIGTERM cancel main: its destructors and `finally_` cleanups run, then the status is 130
/// or 143. A second one ends the process at once, even if the loop is stuck. The handlers are there
/// for the length of the run only, and not for a signal that the process was told to ignore. Models: asyncio.run's handling of Ctrl-C, trio.
///
///     task<int> amain(int argc, char** argv) { … }
///     int main(int argc, char** argv) { return green::run_main(amain, argc, argv); }
template <class F>
    requires std::invocable<F&, int, char**> || std::invocable<F&>
int run_main(F amain, int argc, char** argv) {
    detail::enter_process_role();  // amain may do something before it gives its task
    auto start = [&] {
        if constexpr (std::invocable<F&, int, char**>) {
            return detail::as_task(amain(argc, argv));
        } else {
            return detail::as_task(amain());
        }
    };
    return detail::run_main_task(detail::with_status(start()));
}

}  // namespace green
