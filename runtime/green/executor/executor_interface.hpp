#pragma once

#include <green/executor/executor_error.hpp>
#include <green/executor/future.hpp>
#include <green/executor/job.hpp>
#include <green/executor/job_options.hpp>
#include <green/executor/map.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

namespace green {
namespace detail {

/// What `run` awaits: queues the job when it begins to wait, and owns it. Of any executor.
template <class Executor, class F, class... A>
class run_leaf final : public owning_wait {
    using T = job_result_t<F, A...>;

public:
    run_leaf(Executor& e, const job_options& options, std::tuple<F, A...>&& call)
        : owning_wait(state_ref<future_base>()),
          executor_(e),
          options_(options),
          call_(std::move(call)) {}

    bool ready() const noexcept { return false; }
    void start() {
        auto const submit = [this](F& f, A&... args) {
            return executor_.start_job(options_, std::move(f), std::move(args)...);
        };
        this->set_future(std::apply(submit, *call_));
        call_.reset();
        owning_wait::start();
    }
    T result() { return static_cast<future_state<T>&>(*this->future()).take(); }

private:
    Executor& executor_;
    job_options options_;
    std::optional<std::tuple<F, A...>> call_;
};

/// Stands for `job_options{}`, and takes no room in the frame of the caller.
struct default_job_options {
    // NOLINTNEXTLINE(google-explicit-constructor): it is given where they would be
    operator job_options() const noexcept { return {}; }
};

/// What `run` gives; awaited once.
template <class Executor, class Options, class F, class... A>
class [[nodiscard]] run_awaitable {
public:
    run_awaitable(Executor& e, const Options& options, F f, A... args)
        : executor_(&e), options_(options), call_(std::move(f), std::move(args)...) {}

    auto operator co_await() && {
        return run_leaf<Executor, F, A...>(*executor_, options_, std::move(call_));
    }

private:
    Executor* executor_;
    [[no_unique_address]] Options options_;
    std::tuple<F, A...> call_;
};

template <class F>
concept not_job_options = !std::same_as<F, job_options>;

}  // namespace detail

/// What every executor offers, written once. `Executor` derives from it and provides
///
///     state_ref<future_state<R>> start_job(const job_options&, F, A...);   // queues the job
///     auto job_starter() const;   // what does the same for (F, A...), and may outlive the executor
///     std::size_t max_workers() const;
///
/// and, if its queue has a bound, `has_queue_limit` and a `start_job_within_limit` beside `start_job`. Who
/// `run`s a job waits for it, and `map` has its window: they need no other bound.
template <class Executor>
class executor_interface {
public:
    static constexpr bool has_queue_limit = false;

    /// Queues `f(args...)` and gives its future. `f` and the arguments are moved into the job and
    /// destroyed as soon as it has ended, before its result can be seen. An `f` that takes a
    /// std::stop_token first is told through it when it is to end. What `f` throws is in the future.
    ///
    /// A job may destroy the executor once this has returned. To wait for the job in the same expression
    /// use `run`. executor_error after shutdown, when the
    /// executor's queue is full, and in a fork of the process that has used it; broken_executor when it
    /// is of no use any more.
    template <class F, class... A>
        requires detail::not_job_options<F>
    auto submit(F f, A... args) {
        return submit(job_options{}, std::move(f), std::move(args)...);
    }
    template <class F, class... A>
    auto submit(const job_options& options, F f, A... args) {
        detail::check_job<F, A...>();
        if constexpr (detail::job_callable<F, A...>) {
            if constexpr (Executor::has_queue_limit) {
                using T = detail::job_result_t<F, A...>;
                return detail::future_access::make<T>(
                    self().start_job_within_limit(options, std::move(f), std::move(args)...)
                );
            } else {
                // Its type is that of the state, so that a job that cannot be sent is one error alone.
                return detail::future_access::make(
                    self().start_job(options, std::move(f), std::move(args)...)
                );
            }
        }
    }

    /// `co_await ex.run(f, args...)`: the job as a part of the awaiting task, queued when it is awaited;
    /// its result is moved out. Errors as of `submit`.
    /// **cancel:** a job that has not begun is dropped; one that runs is asked to stop and *waited for*,
    /// and a result that it gives all the same wins. So it may refer to what the caller owns. The executor
    /// is not destroyed meanwhile.
    /// Model: trio.to_thread.run_sync.
    template <class F, class... A>
        requires detail::not_job_options<F>
    auto run(F f, A... args) {
        return make_run(detail::default_job_options{}, std::move(f), std::move(args)...);
    }
    template <class F, class... A>
    auto run(const job_options& options, F f, A... args) {
        return make_run(options, std::move(f), std::move(args)...);
    }

    /// The results of `f(x, y…)` for the items of one or more ranges, side by side as far as the
    /// shortest goes: a stream, in the order of the inputs. To collect them all, `map(…).collect()`; for
    /// coroutines, `task_pool::imap`. void gives std::monostate.
    ///
    /// Jobs are submitted by this call already, and more as results are taken, so that never more than
    /// `options.window` items are on their way: an endless range is fine. `f` and the ranges are taken by
    /// value and kept; give `std::views::all(v)` to refer to a container instead of copying it. `f` is
    /// copied for each job, and may be called on several threads at once.
    ///
    /// An item that throws does so at its `next()`; the following call goes on with the next item. An
    /// error of a range comes after the results of the inputs before it, and is the end; so does
    /// executor_error when the executor is shut down meanwhile. timeout_error: see map_options.
    /// std::invalid_argument for a window or chunksize of 0.
    ///
    /// A stream that is dropped early cancels the jobs that have not begun, and asks the others to stop:
    /// they are not waited for. One that outlives the executor still gives what was submitted before, and
    /// then executor_error. **cancel** of `next()`: terminal, and the same.
    ///
    ///     stream<bool> prime = pool.map(is_prime, numbers);
    ///     while (auto p = co_await prime.next()) std::puts(*p ? "prime" : "composite");
    ///
    /// After more than three ranges the options need their name, `map_options{…}`.
    /// Model: concurrent.futures.Executor.map.
    template <class F, class R>
    auto map(F f, R range, map_options options = {}) {
        return start_map(options, std::move(f), std::move(range));
    }
    template <class F, class R, detail::map_input S>
    auto map(F f, R first, S second, map_options options = {}) {
        return start_map(options, std::move(f), std::move(first), std::move(second));
    }
    template <class F, class R, detail::map_input S, detail::map_input U>
    auto map(F f, R first, S second, U third, map_options options = {}) {
        return start_map(
            options, std::move(f), std::move(first), std::move(second), std::move(third)
        );
    }
    template <
        class F,
        class R,
        detail::map_input S,
        detail::map_input U,
        detail::map_input V,
        class... Rest>
    auto map(F f, R first, S second, U third, V fourth, Rest... rest) {
        std::tuple all(
            std::move(first), std::move(second), std::move(third), std::move(fourth),
            std::move(rest)..., map_options{}
        );
        // Those that are given come before the default ones.
        constexpr std::size_t given = sizeof...(Rest) + 4;
        constexpr bool has_options =
            std::same_as<std::tuple_element_t<given - 1, decltype(all)>, map_options>;
        constexpr std::size_t ranges = has_options ? given - 1 : given;
        return [&]<std::size_t... I>(std::index_sequence<I...>) {
            return start_map(std::get<ranges>(all), std::move(f), std::get<I>(std::move(all))...);
        }(std::make_index_sequence<ranges>());
    }

protected:
    executor_interface() = default;
    ~executor_interface() = default;

private:
    template <class Options, class F, class... A>
    auto make_run(const Options& options, F f, A... args) {
        detail::check_job<F, A...>();
        if constexpr (detail::job_callable<F, A...>) {
            return detail::run_awaitable<Executor, Options, F, A...>(
                self(), options, std::move(f), std::move(args)...
            );
        }
    }
    template <class F, class... R>
    auto start_map(const map_options& options, F f, R... ranges) {
        static_assert(
            detail::mappable<F, R...>,
            "green: map takes a copyable callable and ranges of arguments to call it with, one "
            "range for each"
        );
        if constexpr (detail::mappable<F, R...>) {
            detail::check_job<F, std::ranges::range_value_t<R>...>();
            auto submit = [start = self().job_starter()](auto call, auto items) {
                return detail::future_access::make(start(std::move(call), std::move(items)));
            };
            return detail::map_on(
                std::move(submit), options, self().max_workers(), std::move(f), std::move(ranges)...
            );
        }
    }
    Executor& self() noexcept { return static_cast<Executor&>(*this); }
};

}  // namespace green
