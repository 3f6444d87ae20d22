#pragma once

#include <green/tasks/scope.hpp>
#include <green/tasks/spawn.hpp>

#include <source_location>
#include <string_view>
#include <utility>

namespace green {

class task_group;

namespace detail {
struct group_access;
}  // namespace detail

/// The children of a `with_group`. Handed to its body; valid until with_group returns.
///
/// For tasks that may outlive the function that started them use `spawn`.
class task_group {
public:
    /// Starts a child, in any form that green::spawn takes. In a group that has stopped (cancelled, or
    /// a child failed) the child is cancelled before its first step. What it refers to must live until
    /// with_group returns: things declared outside the body, or until `join()`.
    template <class T>
    join_handle<T> spawn(
        task<T> body, std::source_location where = std::source_location::current()
    ) {
        return start({{}, where}, std::move(body));
    }
    template <class F, class... A>
        requires detail::not_options<F>
    auto spawn(F f, A... args) {
        return start(detail::place_of_coroutine, std::move(f), std::move(args)...);
    }
    template <class... A>
    auto spawn(spawn_options options, A... args) {
        return start(options, std::move(args)...);
    }

    /// Cancels the body and all children, those that come later too. with_group then returns when all
    /// have ended: normally if it gives void, with cancelled_error if the body's value is missing.
    void cancel(
        std::string_view reason = {}, std::source_location where = std::source_location::current()
    ) noexcept {
        scope_.stop(reason, where);
    }

    /// Children that have not ended, the body not counted.
    std::size_t size() const noexcept { return scope_.size() - (body_running() ? 1 : 0); }

    /// Waits until `size()` is zero; for the body. The group can be used again afterwards. A child
    /// that calls it would wait for itself: std::logic_error. **cancel:** total.
    task<> join();

    task_group(const task_group&) = delete;
    task_group& operator=(const task_group&) = delete;

private:
    friend detail::group_access;
    task_group() : scope_("with_group") {}

    template <class... A>
    auto start(const spawn_options& options, A... args) {
        detail::scheduler& s = detail::scheduler::require("task_group::spawn");
        auto handle = detail::spawn_in(s, scope_, options, std::move(args)...);
        stop_if_stopped(detail::handle_access::task_of(handle));
        return handle;
    }
    void stop_if_stopped(detail::green_task& child) noexcept;
    bool body_running() const noexcept { return body_ && !body_->ended(); }

    detail::scope scope_;
    const detail::green_task* body_ = nullptr;
};

namespace detail {

struct group_access {
    template <class T, class F>
    static task<T> run(F body) {
        task_group g;
        auto main = g.scope_.add(as_task(body(g)));
        g.body_ = main.get();
        co_await g.scope_;
        g.scope_.rethrow();
        if constexpr (std::is_void_v<T>) {
            if (main->was_cancelled() && caller_stops()) co_await no_result(g.scope_, *main);
        } else {
            if (main->was_cancelled()) co_await no_result(g.scope_, *main);
            co_return main->take();
        }
    }
    static bool caller_stops() noexcept { return scheduler::current()->running()->must_stop(); }
};

template <class F>
concept group_body = task_callable<F, task_group&>;

}  // namespace detail

/// Runs `body(group)` as a green task beside the children it spawns in the group; returns its result
/// when it and all children have ended. So no child outlives the expression
/// `co_await with_group(…)`, and children may refer to what is declared before it.
///
/// The first failure, of the body or a child, cancels the rest; one error is rethrown as it is,
/// several as exception_group, none is dropped. **cancel:** passed on to all; unwinds when all ended.
/// Models: trio.open_nursery, asyncio.TaskGroup, errgroup.
///
///     co_await with_group([&](task_group& g) -> task<> {
///         for (auto& host : hosts) g.spawn(fetch(host));
///         co_return;
///     });
template <class F>
auto with_group(F body) {
    static_assert(
        detail::group_body<F>,
        "green: with_group takes a callable with a task_group& that is a coroutine (its "
        "return type is green::task)"
    );
    if constexpr (detail::group_body<F>) {
        using T = detail::callable_result_t<F, task_group&>;
        return detail::group_access::run<T>(std::move(body));
    }
}

}  // namespace green
