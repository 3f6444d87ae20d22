#pragma once

#include <green/core/abandon_watch.hpp>
#include <green/core/scheduler.hpp>
#include <green/executor/future.hpp>
#include <green/loop/loop.hpp>
#include <green/tasks/spawn.hpp>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

namespace green {
namespace detail {

/// The future of a task that another thread has spawned, and its way back to it.
template <class T>
class remote_task final : public future_state<T>, private abandon_watch {
public:
    explicit remote_task(loop& l) noexcept : loop_(l) {}

    /// On the loop's thread: from now on there is a remote_end, which may be abandoned with its task.
    void begin() noexcept {
        owner_ = scheduler::current();
        owner_->watch_abandon(*this);
    }
    /// The task has ended, with an outcome or by a cancel.
    void end() noexcept {
        task_ = nullptr;
        if (abandon_watch::linked()) owner_->forget(*this);
        if (!this->done()) this->end_cancelled();
    }

    void set_task(green_task* t) noexcept { task_ = t; }

private:
    bool request_stop() noexcept override {
        loop_.post([me = state_ref<remote_task>(this)] {
            if (me->task_) {
                me->task_->request_cancel(
                    "its future was cancelled", std::source_location::current()
                );
            }
        });
        return false;
    }

    void abandoned() noexcept override { end(); }

    loop& loop_;
    // Of the loop's thread:
    scheduler* owner_ = nullptr;
    green_task* task_ = nullptr;
};

/// Lives as long as the task's arguments. If they go without an outcome the task was cancelled.
template <class T>
class remote_end {
public:
    explicit remote_end(state_ref<remote_task<T>> s) noexcept : state_(std::move(s)) {}
    remote_end(remote_end&&) noexcept = default;
    remote_end& operator=(remote_end&&) = delete;
    ~remote_end() {
        if (state_) state_->end();
    }
    remote_task<T>& state() const noexcept { return *state_; }

private:
    state_ref<remote_task<T>> state_;
};

template <class T, class F, class... A>
task<> tell_end(remote_end<T> end, F f, A... args) {
    std::exception_ptr error;
    try {
        if constexpr (std::is_void_v<T>) {
            co_await call(f, std::move(args)...);
            end.state().succeed();
        } else {
            T value = co_await call(f, std::move(args)...);
            end.state().succeed(std::move(value));
        }
    } catch (...) {
        error = std::current_exception();
    }
    if (error) end.state().fail(std::move(error));
}

std::exception_ptr loop_is_closed();

}  // namespace detail

/// For another thread than the loop's, such as a job: spawns `f(args...)`, a coroutine, on `l`, and
/// gives the future of its result, to block on. In a task of the loop itself `spawn` does.
///
/// `future.cancel()` asks a task that has begun to end, and is false then, as of a job. A task that is
/// cancelled, as all are at the end of a run, or abandoned there: cancelled_error. A loop that is closed: closed_error.
///
///     pool.run([&l = this_loop()] {
///         auto names = compute();                                  // on the thread
///         auto found = spawn_on(l, resolve_all, names).result();   // on the loop, and waits for it
///     });
///
/// Models: asyncio.run_coroutine_threadsafe, trio.from_thread.run.
template <class F, class... A>
auto spawn_on(loop& l, F f, A... args) {
    static_assert(
        detail::task_callable<F, A...>,
        "green: spawn_on takes a callable with its arguments that is a coroutine (its return type "
        "is "
        "green::task)"
    );
    using T = detail::callable_result_t<F, A...>;
    auto state = detail::make_state<detail::remote_task<T>>(l);
    auto begin = [state, f = std::move(f), ... args = std::move(args)]() mutable {
        if (!state->set_running()) return;
        state->begin();
        auto const handle = spawn(
            detail::tell_end<T, F, A...>, detail::remote_end<T>(state), std::move(f),
            std::move(args)...
        );
        state->set_task(&detail::handle_access::task_of(handle));
    };
    if (!l.post(std::move(begin))) state->abandon(detail::loop_is_closed());
    return detail::future_access::make<T>(detail::state_ref<detail::future_state<T>>(std::move(state
    )));
}

}  // namespace green
