#pragma once

#include <green/core/task.hpp>

#include <optional>
#include <tuple>
#include <utility>

namespace green::detail {

/// A green task with a result of type T, made from a `task<T>`.
template <class T>
class typed_task : public green_task, public outcome<T> {
public:
    static typed_task* make(scheduler& s, std::source_location where, task<T>&& body) {
        body.require();  // so that nothing throws once there is memory
        return new typed_task(s, where, std::move(body));
    }

    /// Shows the task, which nobody spawned, at its coroutine: the child of a combinator.
    void place_at_coroutine() noexcept { this->place_at(this->child->awaiting()); }

    std::exception_ptr error() const noexcept final { return outcome<T>::error(); }

protected:
    typed_task(scheduler& s, std::source_location where) noexcept : green_task(s, where) {}

    void take_root(task<T>&& body) {
        body.require();
        own(std::move(body));
    }

    promise_base& make_root() override { return *this->child; }
    void drop_callable() noexcept override {}
    void set_error(std::exception_ptr e) noexcept final { outcome<T>::set_error(std::move(e)); }

private:
    typed_task(scheduler& s, std::source_location where, task<T>&& body) noexcept
        : green_task(s, where, body.frame_) {
        own(std::move(body));
    }
    void own(task<T>&& body) noexcept {
        this->child = body.release();
        this->child->adopt(*this, nullptr);
    }
};

/// std::invoke for what `spawn` takes, without the weight of <functional>: a callable, or a member
/// function with an object or a pointer to one as its first argument.
template <class F, class... Args>
    requires std::is_member_function_pointer_v<F> ||
    requires(F& f, Args&&... args) { f(static_cast<Args&&>(args)...); }
decltype(auto) call(F& f, Args&&... args) {
    if constexpr (std::is_member_function_pointer_v<F>) {
        return [f](auto&& object, auto&&... rest) -> decltype(auto) {
            if constexpr (requires { ((*object).*f)(static_cast<decltype(rest)>(rest)...); }) {
                return ((*object).*f)(static_cast<decltype(rest)>(rest)...);
            } else {
                return (object.*f)(static_cast<decltype(rest)>(rest)...);
            }
        }(static_cast<Args&&>(args)...);
    } else {
        return f(static_cast<Args&&>(args)...);
    }
}

/// Any awaitable as a task.
template <awaitable A>
task<await_result_t<A>> as_task(A a) {
    co_return co_await static_cast<A&&>(a);
}
template <class T>
task<T> as_task(task<T> t) {
    return t;
}

template <class F, class... Args>
using call_result_t = decltype(call(std::declval<F&>(), std::declval<Args>()...));

/// A callable that is a coroutine, or gives anything else that can be awaited.
template <class F, class... Args>
concept task_callable = requires { typename call_result_t<F, Args...>; } &&
    awaitable<call_result_t<F, Args...>>;

/// What the green task made of `f(args...)` results in.
template <class F, class... Args>
using callable_result_t = await_result_t<call_result_t<F, Args...>>;

/// A green task made from a callable and its arguments, both kept until the body has ended.
template <class T, class F, class... Args>
class callable_task final : public typed_task<T> {
public:
    template <class G, class... As>
    callable_task(scheduler& s, std::source_location where, G&& f, As&&... args)
        : typed_task<T>(s, where),
          call_(std::in_place, static_cast<G&&>(f), static_cast<As&&>(args)...) {
        this->begin_with_callable();
    }

private:
    promise_base& make_root() override {
        this->take_root(std::apply(
            [](F& f, Args&... args) { return as_task(call(f, std::move(args)...)); }, *call_
        ));
        this->place_at(this->child->awaiting());
        return *this->child;
    }
    void drop_callable() noexcept override { call_.reset(); }

    std::optional<std::tuple<F, Args...>> call_;
};

}  // namespace green::detail
