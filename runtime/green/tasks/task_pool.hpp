#pragma once

#include <green/tasks/pool_core.hpp>
#include <green/tasks/pool_stream.hpp>
#include <green/tasks/spawn.hpp>
#include <green/tasks/stream.hpp>
#include <green/tasks/task_group.hpp>

#include <concepts>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace green {

namespace detail {

/// What `spawn(args...)` gives a handle of.
template <class... A>
struct spawned;
template <class T>
struct spawned<task<T>> {
    using type = T;
};
template <class F, class... A>
    requires(sizeof...(A) > 0 || !awaitable<F>)
struct spawned<F, A...> {
    using type = callable_result_t<F, A...>;
};
template <awaitable F>
    requires(!is_task<F>)
struct spawned<F> {
    using type = await_result_t<F>;
};

template <class... A>
concept spawnable = requires { typename spawned<A...>::type; };

template <class... A>
task<join_handle<typename spawned<A...>::type>> spawn_in_pool(
    std::shared_ptr<pool_core> pool, std::string name, std::source_location where, A... what
) {
    place_leaf place(std::move(pool), "task_pool::spawn");
    co_await place;
    scheduler& s = *scheduler::current();
    spawn_options const options{name, where};
    auto handle = spawn_in(s, s.root(), options, std::move(what)...);
    place.pass_to(handle_access::task_of(handle));
    co_return handle;
}

template <class F, class Range>
using map_result_t = callable_result_t<F&, std::ranges::range_value_t<Range>>;
template <class F, class Range>
concept map_callable = std::ranges::input_range<Range> &&
    task_callable<F&, std::ranges::range_value_t<Range>>;

/// What `map` gives for one input; void items leave nothing but their success.
template <class T>
using map_value = std::remove_cvref_t<value_or_unit<T>>;

template <class T, class F, class V>
task<> map_item(F& f, V input, std::optional<map_value<T>>& output) {
    if constexpr (std::is_void_v<T>) {
        co_await call(f, std::move(input));
        output.emplace();
    } else {
        T value = co_await call(f, std::move(input));
        output.emplace(static_cast<T&&>(value));
    }
}

template <class T, class F, class Range>
struct map_job {
    std::shared_ptr<pool_core> pool;
    F function;
    map_inputs<Range> inputs;
    std::source_location where;
    std::deque<std::optional<map_value<T>>> outputs{};  // a deque: items refer to them

    /// Begins the items one after another, each when it has a place.
    task<> feed(task_group& group) {
        while (!inputs.at_end()) {
            place_leaf place(pool, "task_pool::map");
            co_await place;
            auto input = inputs.take();
            if (!input) break;
            outputs.emplace_back();
            auto item = map_item<T>(function, std::move(*input), outputs.back());
            auto const handle = group.spawn(std::move(item), where);
            place.pass_to(handle_access::task_of(handle));
        }
        if (inputs.error()) std::rethrow_exception(inputs.error());
    }

    void check() const {
        for (auto const& value : outputs) {
            if (!value) throw cancelled_error("task_pool::map: the task of an item was cancelled");
        }
    }
};

template <class T, class F, class Range>
task<std::conditional_t<std::is_void_v<T>, void, std::vector<map_value<T>>>> map_in_pool(
    std::shared_ptr<pool_core> pool, F f, Range range, std::source_location where
) {
    map_job<T, F, Range> job{
        std::move(pool), std::move(f), map_inputs<Range>(std::move(range)), where
    };
    auto const body = [&job](task_group& group) { return job.feed(group); };
    co_await with_group(body);
    job.check();
    if constexpr (!std::is_void_v<T>) {
        std::vector<map_value<T>> values;
        values.reserve(job.outputs.size());
        for (auto& value : job.outputs) values.push_back(std::move(*value));
        co_return values;
    }
}

}  // namespace detail

/// A limit on how many green tasks run at once, and the ways to run many under it. Who wants another
/// one waits for a free place, first come first served; a task gives its place back when it ends.
///
/// For children that must end before an expression does use `with_group`; to limit something other than
/// tasks, a semaphore; for computations, an executor.
///
///     task_pool pool(100);
///     for (auto& url : urls) co_await pool.spawn(fetch, url);   // at most 100 at once
///     co_await pool.join();
///
/// **ownership**: the loop owns the tasks, as those of `green::spawn`. The destructor cancels what is
/// left of them and does not wait: `join()` first. What was waiting for a place then gets closed_error.
/// A limit of 0 is a pool that is always full.
///
/// A member may use its own pool, and may thereby wait for itself: when every task of a full pool does
/// nothing but wait for a place in it, the last one to do so gets a std::logic_error that says so. A
/// wait with a limit of time around it, or beside another branch of a combinator, is not taken for one.
/// Loop-affine. Models: gevent.pool.Pool, errgroup.SetLimit.
class task_pool {
public:
    explicit task_pool(std::size_t limit) : core_(std::make_shared<detail::pool_core>(limit)) {}
    task_pool(const task_pool&) = delete;
    task_pool& operator=(const task_pool&) = delete;
    ~task_pool() {
        core_->close();
        core_->cancel_members("its task_pool is gone", std::source_location::current());
    }

    /// Waits for a free place, then starts a task in it, in any form that green::spawn takes, and
    /// gives its handle. Names and arguments are copied at the call.
    /// **cancel:** total, the body never runs. **order:** first come, first served.
    template <class T>
    task<join_handle<T>> spawn(
        task<T> body, std::source_location where = std::source_location::current()
    ) {
        return detail::spawn_in_pool<task<T>>(core_, {}, where, std::move(body));
    }
    template <class F, class... A>
        requires detail::not_options<F>
    auto spawn(F f, A... args) {
        return spawn(detail::place_of_coroutine, std::move(f), std::move(args)...);
    }
    template <class... A>
    auto spawn(spawn_options options, A... args) {
        check_spawnable<A...>();
        if constexpr (detail::spawnable<A...>) {
            return detail::spawn_in_pool<A...>(
                core_, std::string(options.name), options.where, std::move(args)...
            );
        }
    }

    /// Starts a task if there is a free place: at once, without a wait. Otherwise gives an empty
    /// optional, and `args` are destroyed. It never overtakes those who wait.
    template <class T>
    std::optional<join_handle<T>> try_spawn(
        task<T> body, std::source_location where = std::source_location::current()
    ) {
        return start_now(spawn_options{{}, where}, std::move(body));
    }
    template <class F, class... A>
        requires detail::not_options<F>
    auto try_spawn(F f, A... args) {
        return start_now(detail::place_of_coroutine, std::move(f), std::move(args)...);
    }
    template <class... A>
    auto try_spawn(spawn_options options, A... args) {
        return start_now(options, std::move(args)...);
    }

    /// Runs `f(input)` for each input, as many at once as there are places, and gives the values in
    /// input order, when all are there (nothing for void). `f` and the range are taken by value and
    /// kept; give `std::views::all(v)` to refer to a container instead of copying it, and `std::move(v)`
    /// to have its elements moved.
    ///
    /// The first failure cancels the other items; when they have ended it is thrown, several as
    /// exception_group. (In gevent and Python the others run on.) The same for an error of the range.
    /// **cancel:** passed on to the items, which end first. An item whose task was cancelled:
    /// cancelled_error.
    ///
    ///     std::vector<page> pages = co_await pool.map(fetch, urls);
    ///
    /// Model: gevent.pool.Pool.map.
    template <class F, class Range>
    auto map(F f, Range inputs, std::source_location where = std::source_location::current()) {
        check_map<F, Range>();
        if constexpr (detail::map_callable<F, Range>) {
            using T = detail::map_result_t<F, Range>;
            return detail::map_in_pool<T>(core_, std::move(f), std::move(inputs), where);
        }
    }

    /// The same as a stream: each value as soon as it and those before it are there. Lazy and bounded: an
    /// input is taken when there is a place for it, and no more than `limit()` items have begun and
    /// were not handed out, so any number of inputs takes the same memory. Items begin while
    /// `next()` is awaited, and go on between two calls of it.
    ///
    /// An item's error is thrown by the `next()` whose turn it is, when the items after it have been
    /// cancelled and have ended; their own errors are not lost (exception_group). It ends the stream. An
    /// error of the range comes after all values. void gives std::monostate.
    /// A stream that is dropped early cancels its items, without waiting for them.
    /// **cancel** of `next()`: cancels the items and waits for them; terminal, see `stream::next`.
    /// Model: gevent.pool.Pool.imap.
    template <class F, class Range>
    auto imap(F f, Range inputs, std::source_location where = std::source_location::current()) {
        return make_stream(std::move(f), std::move(inputs), true, where);
    }

    /// The same in the order in which the items end. Model: gevent.pool.Pool.imap_unordered.
    template <class F, class Range>
    auto imap_unordered(
        F f, Range inputs, std::source_location where = std::source_location::current()
    ) {
        return make_stream(std::move(f), std::move(inputs), false, where);
    }

    /// Waits until no place is taken (and so nobody waits for one). Does not throw what tasks ended
    /// with. A task of this pool would wait for itself: std::logic_error. **cancel:** total.
    task<> join();

    /// Cancels the tasks that run now: gevent's kill, without the wait. The pool can be used further on.
    void cancel(
        std::string_view reason = {}, std::source_location where = std::source_location::current()
    ) noexcept {
        core_->cancel_members(reason, where);
    }

    /// Places that are taken: by running tasks, or about to be.
    std::size_t size() const noexcept { return core_->taken(); }
    std::size_t limit() const noexcept { return core_->limit(); }
    std::size_t free_count() const noexcept { return limit() - size(); }

    /// For dumps and reports.
    void set_name(std::string_view name) { core_->set_name(name); }
    std::string_view name() const noexcept { return core_->name(); }

private:
    template <class... A>
    static void check_spawnable() {
        static_assert(
            detail::spawnable<A...>,
            "green: task_pool::spawn takes a task, or a callable with its arguments that is a "
            "coroutine (its return type is green::task)"
        );
    }
    template <class F, class Range>
    static void check_map() {
        static_assert(
            detail::map_callable<F, Range>,
            "green: task_pool::map and imap take a callable with one argument that is a coroutine "
            "(its return type is green::task), and a range of arguments"
        );
    }

    template <class... A>
    auto start_now(const spawn_options& options, A... what) {
        check_spawnable<A...>();
        if constexpr (detail::spawnable<A...>) {
            using T = typename detail::spawned<A...>::type;
            detail::scheduler& s = detail::scheduler::require("task_pool::try_spawn");
            std::optional<join_handle<T>> handle;
            detail::pool_place place(core_);
            if (place.try_take()) {
                handle = detail::spawn_in(s, s.root(), options, std::move(what)...);
                place.pass_to(detail::handle_access::task_of(*handle));
            }
            return handle;
        }
    }

    template <class F, class Range>
    auto make_stream(F f, Range inputs, bool in_order, std::source_location where) {
        check_map<F, Range>();
        if constexpr (detail::map_callable<F, Range>) {
            using T = detail::map_result_t<F, Range>;
            return detail::imap_stream<T>(core_, std::move(f), std::move(inputs), in_order, where);
        }
    }

    std::shared_ptr<detail::pool_core> core_;
};

}  // namespace green
