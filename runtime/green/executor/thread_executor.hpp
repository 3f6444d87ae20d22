#pragma once

#include <green/core/typed_task.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/future.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <stop_token>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace green {

struct thread_executor_options {
    /// Threads at most. 0: min(32, processors this process may use + 4).
    std::size_t max_workers = 0;
    /// The threads are called "prefix-1", "prefix-2" …; the system shows 15 bytes of it.
    std::string_view thread_name_prefix = "green";
};

struct shutdown_options {
    /// Wait until all jobs have ended and all threads are gone.
    bool wait = true;
    /// Cancel the jobs that have not begun. Running ones are never cut off.
    bool cancel_pending = false;
};

namespace detail {

/// A job in a queue. `run` and `drop` are each called at most once, by one thread.
class job {
public:
    virtual ~job() = default;
    virtual void run() noexcept = 0;
    /// It will not run: whoever waits for it gets cancelled_error.
    virtual void drop() noexcept = 0;
};

template <class F, class... A>
struct job_result {
    using type = std::invoke_result_t<F&, A...>;
};
template <class F, class... A>
    requires std::is_invocable_v<F&, std::stop_token, A...>
struct job_result<F, A...> {
    using type = std::invoke_result_t<F&, std::stop_token, A...>;
};

template <class T, class F, class... A>
class function_job final : public job, public future_state<T> {
    static constexpr bool takes_token = std::is_invocable_v<F&, std::stop_token, A...>;

public:
    template <class G, class... As>
    explicit function_job(G&& f, As&&... args)
        : call_(std::in_place, static_cast<G&&>(f), static_cast<As&&>(args)...) {
        if constexpr (takes_token) stop_.emplace();
    }

    void run() noexcept override {
        if (!this->set_running()) return call_.reset();  // cancelled in the queue
        // The closure and the arguments die before the result is published: who sees the result may
        // rely on it.
        std::variant<
            std::monostate, std::conditional_t<std::is_void_v<T>, std::monostate, T>,
            std::exception_ptr>
            result;
        try {
            if constexpr (std::is_void_v<T>) {
                invoke();
                result.template emplace<1>();
            } else {
                result.template emplace<1>(invoke());
            }
        } catch (...) {
            result.template emplace<2>(std::current_exception());
        }
        call_.reset();
        if (auto* e = std::get_if<2>(&result)) {
            this->set_exception(std::move(*e));
        } else if constexpr (std::is_void_v<T>) {
            this->set_value();
        } else {
            this->set_value(std::move(*std::get_if<1>(&result)));
        }
    }
    void drop() noexcept override {
        call_.reset();
        this->cancel();
    }

private:
    void request_stop() noexcept override {
        if constexpr (takes_token) stop_->request_stop();
    }
    T invoke() {
        return std::apply(
            [&](F& f, A&... args) -> T {
                if constexpr (takes_token) {
                    return f(stop_->get_token(), std::move(args)...);
                } else {
                    return call(f, std::move(args)...);
                }
            },
            *call_
        );
    }

    std::optional<std::tuple<F, A...>> call_;
    std::optional<std::stop_source> stop_;
};

template <class T, class F, class... A>
std::shared_ptr<future_state<T>> as_state(std::shared_ptr<function_job<T, F, A...>> j) noexcept {
    return j;
}

/// Waits for a job of its own, structured.
template <class T>
class job_leaf final : public owning_wait {
public:
    explicit job_leaf(std::shared_ptr<future_state<T>> s) : owning_wait(*s), held_(std::move(s)) {}
    T result() { return held_->take(); }

private:
    std::shared_ptr<future_state<T>> held_;
};

/// What `thread_executor::run` gives; awaited once.
template <class T>
class job_awaitable {
public:
    explicit job_awaitable(std::shared_ptr<future_state<T>> s) noexcept : state_(std::move(s)) {}
    auto operator co_await() && { return job_leaf<T>(std::move(state_)); }

private:
    std::shared_ptr<future_state<T>> state_;
};

}  // namespace detail

/// Runs jobs on threads of its own; works with a loop and without one.
///
/// Threads start when they are needed and no idle one is there, up to `max_workers`, and stay until
/// the executor is shut down. Jobs begin in the order in which they were submitted. The destructor
/// is `shutdown()`: it waits for every job that was submitted. All members may be called from any
/// thread, `submit` also from a job. Model: concurrent.futures.ThreadPoolExecutor.
///
///     thread_executor pool;
///     int n = co_await pool.submit(count_primes, 1'000'000);
class thread_executor {
public:
    /// std::invalid_argument for 0.
    explicit thread_executor(std::size_t max_workers);
    explicit thread_executor(thread_executor_options options = {});
    ~thread_executor();
    thread_executor(const thread_executor&) = delete;
    thread_executor& operator=(const thread_executor&) = delete;

    /// Queues `f(args...)`, which are moved into the job and destroyed as soon as it has ended. An `f`
    /// that takes a std::stop_token first is told through it when its future is cancelled.
    /// executor_error after shutdown. What `f` throws is in the future.
    template <class F, class... A>
    auto submit(F f, A... args) {
        auto made = make_job(std::move(f), std::move(args)...);
        push(made);
        return detail::future_access::make(detail::as_state(std::move(made)));
    }

    /// `co_await pool.run(f, args...)`: the job as a part of the awaiting task, and its result moved
    /// out. Queued by this call. **cancel:** a job that has not begun is dropped; a running one is
    /// asked through its std::stop_token and waited for. So it may refer to what the caller owns.
    template <class F, class... A>
    auto run(F f, A... args) {
        auto made = make_job(std::move(f), std::move(args)...);
        push(made);
        return detail::job_awaitable(detail::as_state(std::move(made)));
    }

    /// No new jobs from now on; see shutdown_options. Again is harmless.
    void shutdown(shutdown_options options = {});

    std::size_t max_workers() const noexcept;

private:
    struct pool;

    template <class F, class... A>
    static auto make_job(F f, A... args) {
        static_assert(
            requires { typename detail::job_result<F, A...>::type; },
            "green: submit takes a callable and the arguments to call it with"
        );
        using T = typename detail::job_result<F, A...>::type;
        static_assert(
            !detail::is_task<T>,
            "green: a job on a thread executor cannot be a coroutine: there is no loop on "
            "its threads"
        );
        return std::make_shared<detail::function_job<T, F, A...>>(std::move(f), std::move(args)...);
    }

    void push(std::shared_ptr<detail::job> j);

    std::shared_ptr<pool> pool_;  // shared with the threads
};

}  // namespace green
