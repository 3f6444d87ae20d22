#pragma once

#include <green/core/scheduler.hpp>

#include <concepts>
#include <coroutine>
#include <type_traits>
#include <utility>

// What can be awaited in a green task
//
//   a task<T>             its frame runs as a part of this green task
//   a leaf of green's own sleep, join, lock, job … (leaf.hpp)
//   any C++20 awaiter,    its `await_suspend` gets a handle whose `resume()` makes the green task
//   or what has an        ready: it may be called from any thread, and it never runs the task
//   operator co_await     inline. Cancellable when it has `bool cancel() noexcept`.

namespace green {

template <class T>
class task;

namespace detail {

template <class T>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

template <class T>
class child_awaiter;

template <class A>
concept native_leaf = std::derived_from<std::remove_cvref_t<A>, leaf>;

template <class A>
concept plain_awaiter = requires(std::remove_reference_t<A>& a, std::coroutine_handle<> h) {
    { a.await_ready() } -> std::convertible_to<bool>;
    a.await_suspend(h);
    a.await_resume();
};

template <class A>
concept has_member_co_await = requires(A&& a) { static_cast<A&&>(a).operator co_await(); };
template <class A>
concept has_free_co_await = requires(A&& a) { operator co_await(static_cast<A&&>(a)); };

/// The awaiter of an awaitable: what its operator co_await gives, or itself.
template <class A>
decltype(auto) get_awaiter(A&& a) {
    if constexpr (has_member_co_await<A>) {
        return static_cast<A&&>(a).operator co_await();
    } else if constexpr (has_free_co_await<A>) {
        return operator co_await(static_cast<A&&>(a));
    } else {
        return static_cast<A&&>(a);
    }
}
template <class A>
using awaiter_of = decltype(get_awaiter(std::declval<A>()));

/// A leaf that must see its operation through: it is awaited although a cancel is pending, and is
/// asked to end at once. The scopes of combinators are such: their children come first.
template <class L>
concept must_complete = requires { requires std::remove_cvref_t<L>::sees_through; };

template <class A>
concept cancellable_awaiter = requires(std::remove_reference_t<A>& a) {
    { a.cancel() } noexcept -> std::same_as<bool>;
};

/// Awaits a leaf of green's own.
template <class A>
class native_awaiter {
public:
    explicit native_awaiter(A&& a) : leaf_(get_awaiter(static_cast<A&&>(a))) {}

    [[gnu::always_inline]] bool await_ready() {
        scheduler& s = *scheduler::current();
        if (!must_complete<awaiter_of<A>> && s.running()->must_stop()) return false;
        // A result that is there already is taken; with the budget used up the task goes on from
        // the ready queue, and await_suspend sees why.
        return leaf_.ready() && s.take_step();
    }

    template <class P>
    void await_suspend(std::coroutine_handle<P> h) {
        scheduler& s = *scheduler::current();
        green_task& t = *s.running();
        if constexpr (!must_complete<awaiter_of<A>>) {
            if (t.must_stop()) return t.unwind_from(h.promise());
        }
        if (!s.budget_left()) return t.requeue(h.promise());
        t.suspend_on(leaf_, h.promise());
        if constexpr (noexcept(leaf_.start())) {
            leaf_.start();
        } else {
            try {
                leaf_.start();
            } catch (...) {  // it has not begun: the task goes on with the exception
                t.unsuspend();
                throw;
            }
        }
        if constexpr (must_complete<awaiter_of<A>>) t.deliver_cancel();
    }

    decltype(auto) await_resume() { return leaf_.result(); }

private:
    awaiter_of<A> leaf_;
};

/// An awaiter that deals with the scheduler by itself: no leaf, no budget.
template <class A>
concept scheduler_awaiter = requires { requires std::remove_cvref_t<A>::is_scheduler_awaiter; };

/// Awaits an awaiter that knows nothing of green.
template <class A>
class foreign_awaiter final : private leaf, private remote_call {
public:
    explicit foreign_awaiter(A&& a) : awaiter_(get_awaiter(static_cast<A&&>(a))) {}

    bool await_ready() {
        scheduler& s = *scheduler::current();
        if (s.running()->must_stop()) return false;
        return awaiter_.await_ready() && s.take_step();
    }

    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> h) {
        scheduler& s = *scheduler::current();
        green_task& t = *s.running();
        if (t.must_stop()) {
            t.unwind_from(h.promise());
            return std::noop_coroutine();
        }
        if (!s.budget_left()) {
            t.requeue(h.promise());
            return std::noop_coroutine();
        }
        t.suspend_on(*this, h.promise());
        auto const proxy = std::coroutine_handle<>::from_address(&proxy_);
        using result = decltype(awaiter_.await_suspend(proxy));
        try {
            if constexpr (std::is_void_v<result>) {
                awaiter_.await_suspend(proxy);
                return std::noop_coroutine();
            } else if constexpr (std::same_as<result, bool>) {
                if (awaiter_.await_suspend(proxy)) return std::noop_coroutine();
            } else {
                std::coroutine_handle<> const next = awaiter_.await_suspend(proxy);
                if (next != proxy) return next;
            }
        } catch (...) {
            t.unsuspend();
            throw;
        }
        t.unsuspend();
        if (s.take_step()) return h;
        t.requeue(h.promise());
        return std::noop_coroutine();
    }

    decltype(auto) await_resume() { return awaiter_.await_resume(); }

private:
    // A coroutine_handle points at two function pointers, resume and destroy, in the coroutine ABI
    // that GCC, Clang and MSVC share. This one's resume() means: make the waiting task ready.
    struct proxy_frame {
        void (*resume)(void*);
        void (*destroy)(void*);
        foreign_awaiter* self;
    };

    static void resume_proxy(void* frame) {
        foreign_awaiter& self = *static_cast<proxy_frame*>(frame)->self;
        if (&self.waiter().owner() == scheduler::current()) {
            self.waiter().wake();
        } else {
            self.waiter().owner().call_from_thread(self);
        }
    }
    static void destroy_proxy(void*) {}

    void run() noexcept override { waiter().wake(); }

    bool cancel() noexcept override {
        if constexpr (cancellable_awaiter<decltype(awaiter_)>) {
            return awaiter_.cancel();
        } else {
            return false;
        }
    }
    void describe(std::string& out) const override {
        out += "an awaitable that is not green's own";
    }

    awaiter_of<A> awaiter_;
    proxy_frame proxy_{&resume_proxy, &destroy_proxy, this};
};

template <class T>
inline constexpr bool always_false = false;

/// What a green coroutine's `co_await a` really awaits.
template <class A>
auto make_awaiter(A&& a) {
    using plain = std::remove_cvref_t<A>;
    if constexpr (is_task<plain>) {
        static_assert(
            !std::is_lvalue_reference_v<A>,
            "green: a task is awaited once and gives its result away: "
            "write co_await std::move(t), or co_await f() directly"
        );
        return child_awaiter<typename plain::value_type>(static_cast<A&&>(a));
    } else if constexpr (scheduler_awaiter<A>) {
        return plain(static_cast<A&&>(a));
    } else if constexpr (native_leaf<awaiter_of<A>>) {
        return native_awaiter<A>(static_cast<A&&>(a));
    } else if constexpr (plain_awaiter<awaiter_of<A>>) {
        return foreign_awaiter<A>(static_cast<A&&>(a));
    } else {
        static_assert(
            always_false<A>,
            "green: this cannot be awaited: co_await takes a task, one of green's "
            "awaitables, or any type with await_ready, await_suspend and await_resume"
        );
    }
}

template <class A>
struct await_result;
template <class A>
    requires is_task<std::remove_cvref_t<A>>
struct await_result<A> {
    using type = typename std::remove_cvref_t<A>::value_type;
};
template <class A>
    requires(!is_task<std::remove_cvref_t<A>> && native_leaf<awaiter_of<A>>)
struct await_result<A> {
    using type = decltype(std::declval<std::remove_reference_t<awaiter_of<A>>&>().result());
};
template <class A>
    requires(!is_task<std::remove_cvref_t<A>> && !native_leaf<awaiter_of<A>> && plain_awaiter<awaiter_of<A>>)
struct await_result<A> {
    using type = decltype(std::declval<std::remove_reference_t<awaiter_of<A>>&>().await_resume());
};

}  // namespace detail

/// What `co_await` takes in a green task: a `task<T>`, an awaitable of green's, or any C++20 awaiter.
template <class A>
concept awaitable = requires { typename detail::await_result<A>::type; };

/// The type of `co_await std::declval<A>()`.
template <awaitable A>
using await_result_t = typename detail::await_result<A>::type;

}  // namespace green
