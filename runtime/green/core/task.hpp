#pragma once

#include <green/core/errors.hpp>
#include <green/core/promise.hpp>

#include <coroutine>
#include <utility>

namespace green {

namespace detail {
template <class T>
class typed_task;
}  // namespace detail

/// The result type of a coroutine: a computation that has not begun. It runs when it is awaited, as
/// a part of the awaiting green task, or when it is given to `spawn`, as a green task of its own.
///
/// Lazy: calling the coroutine runs none of it. Move-only, awaited once (`co_await f()`, or
/// `co_await std::move(t)`); the result is moved out. A task that is never awaited is destroyed
/// unrun. An exception that leaves the coroutine is thrown where it is awaited.
///
/// A closure that is a coroutine must outlive it: give callables to `spawn(f, args...)`, which keeps
/// both, and do not write `spawn([x]() -> task<> { … }())`.
///
///     task<int> twice(int x) { co_return 2 * x; }
///     task<> f() { int n = co_await twice(21); … }
///
/// **cancel:** the frames of a cancelled green task are destroyed, innermost first; nothing is
/// thrown. Model: cppcoro's task, Trio's async function.
template <class T = void>
class [[nodiscard]] task {
public:
    using value_type = T;
    using promise_type = detail::task_promise<T>;

    task() noexcept = default;
    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        if (this != &other) {
            if (frame_) frame_->handle().destroy();
            frame_ = std::exchange(other.frame_, nullptr);
        }
        return *this;
    }
    ~task() {
        if (frame_) frame_->handle().destroy();
    }

    /// False once moved from or awaited.
    explicit operator bool() const noexcept { return frame_ != nullptr; }

private:
    friend detail::task_promise<T>;
    friend class detail::child_awaiter<T>;
    friend class detail::typed_task<T>;

    explicit task(detail::promise_base& frame) noexcept : frame_(&frame) {}

    /// Throws if there is nothing to run.
    void require() const {
        if (!frame_) [[unlikely]]
            detail::throw_logic_error("green: this task is empty: moved from, or awaited already");
    }
    detail::promise_base* release() noexcept { return std::exchange(frame_, nullptr); }

    detail::promise_base* frame_ = nullptr;
};

namespace detail {

template <class T>
task<T> task_promise<T>::get_return_object() noexcept {
    return task<T>(*this);
}
inline task<void> task_promise<void>::get_return_object() noexcept { return task<void>(*this); }

/// Runs a child frame to its end as a part of the same green task: no queue, no allocation beside
/// the frame, the result arrives in this object.
template <class T>
class child_awaiter : protected outcome<T> {
public:
    explicit child_awaiter(task<T>&& t) {
        t.require();
        this->child = t.release();
    }
    child_awaiter(const child_awaiter&) = delete;
    child_awaiter& operator=(const child_awaiter&) = delete;
    ~child_awaiter() {
        if (this->child) this->child->handle().destroy();
    }

    bool await_ready() const noexcept { return false; }

    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> parent) noexcept {
        promise_base& frame = *this->child;
        frame.adopt(*this, &parent.promise());
        scheduler& s = *scheduler::current();
        if (!s.step_into(frame)) [[unlikely]] {
            s.running()->requeue(frame);
            return std::noop_coroutine();
        }
        return frame.handle();
    }

    T await_resume() { return this->take(); }
};

}  // namespace detail
}  // namespace green
