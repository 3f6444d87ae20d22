#pragma once

#include <green/core/task.hpp>
#include <green/core/time.hpp>
#include <green/loop/timer_queue.hpp>

namespace green {

/// What `sleep_for` and `sleep_until` give: await it, or give it to anything that takes an
/// awaitable or a `task<>`. It allocates nothing.
class sleep_awaitable final : public detail::leaf, private detail::timer {
public:
    explicit sleep_awaitable(std::chrono::nanoseconds d) noexcept : delay_(d) {}
    explicit sleep_awaitable(clock::time_point until) noexcept : timer(until) {}
    /// Before it is awaited only.
    sleep_awaitable(const sleep_awaitable& o) noexcept
        : leaf(), timer(o.deadline()), delay_(o.delay_) {}
    sleep_awaitable& operator=(const sleep_awaitable&) = delete;

    operator green::task<>() const;  // NOLINT(google-explicit-constructor): as if it were one

    bool ready() const noexcept { return false; }
    void start();
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

private:
    void expired() noexcept override;

    static constexpr std::chrono::nanoseconds no_delay = std::chrono::nanoseconds::min();
    std::chrono::nanoseconds delay_ = no_delay;  // otherwise until deadline()
};

/// Sleeps for `d`, counted from the `co_await`. Any duration, rounded up to nanoseconds and
/// saturating; the real clock wakes at the next millisecond. Never early. Zero or less is one
/// `yield()`. `forever` never ends by itself. Tasks that are due at one instant wake in the order in
/// which they went to sleep.
/// **cancel:** total.
template <class Rep, class Period>
sleep_awaitable sleep_for(std::chrono::duration<Rep, Period> d) noexcept {
    return sleep_awaitable(detail::to_nanoseconds(d));
}

/// Sleeps until the loop's clock shows `t`; as `sleep_for` in all else.
inline sleep_awaitable sleep_until(clock::time_point t) noexcept { return sleep_awaitable(t); }

/// What `yield` gives.
class yield_awaitable {
public:
    static constexpr bool is_scheduler_awaiter = true;

    operator green::task<>() const;  // NOLINT(google-explicit-constructor): as if it were one

    bool await_ready() const noexcept { return false; }
    template <class P>
    void await_suspend(std::coroutine_handle<P> h) const noexcept {
        detail::green_task& t = *detail::scheduler::current()->running();
        if (t.must_stop()) [[unlikely]]
            return t.unwind_from(h.promise());
        t.requeue(h.promise());
    }
    void await_resume() const noexcept {}
};

/// Goes to the back of the ready queue: the other ready tasks run first, and I/O is looked for every
/// now and then. A point where a cancel takes effect.
inline yield_awaitable yield() noexcept { return {}; }

}  // namespace green
