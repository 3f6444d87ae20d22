#pragma once

// Internal: what all combinators are made of.

#include <green/core/typed_task.hpp>
#include <green/loop/timer_queue.hpp>

#include <exception>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace green::detail {

/// The children of a combinator, and the wait for their end. It lives in the combinator's frame:
///
///     scope s("when_all");
///     auto a = s.add(std::move(first));     // not begun yet
///     auto b = s.add(std::move(second));
///     co_await s;                           // until both have ended
///
/// Awaiting it always lasts until the last child has ended, whoever is cancelled: a cancel of the
/// awaiting task is passed to the children and the wait goes on. So nothing that the children refer
/// to dies before them. The first failure cancels the others.
///
///     outer cancel ─┐
///     a child fails ┼─► stop(): cancel all children ─► … ─► the last one ends ─► wake
///     deadline ─────┤
///     first end ────┘ (with stop_at_first_end)
class scope final : public leaf, public nursery, private timer {
public:
    static constexpr bool sees_through = true;  // see must_complete

    explicit scope(const char* operation) noexcept;
    ~scope();

    /// Hands `body` over as a child; it begins while the scope is awaited. A child of a scope that
    /// has stopped is cancelled before its first step.
    template <class T>
    task_ref<typed_task<T>> add(task<T> body) {
        task_ref<typed_task<T>> ref(
            typed_task<T>::make(*scheduler::current(), std::source_location{}, std::move(body))
        );
        ref->place_at_coroutine();
        add(*ref);
        return ref;
    }
    void add(green_task& child) noexcept;

    void stop_at_first_end() noexcept { stop_at_first_end_ = true; }
    /// The children are cancelled at `deadline`; `expired()` says so.
    void set_deadline(clock::time_point deadline);
    bool expired_first() const noexcept { return expired_; }

    void stop(std::string_view reason, std::source_location where) noexcept;
    bool stopped() const noexcept { return stopped_; }

    /// The child that ended first, one that was cancelled not counted; compare it with a held
    /// reference.
    const green_task* first_ended() const noexcept { return first_ended_; }
    /// What children failed with, in the order in which they did.
    const std::vector<std::exception_ptr>& errors() const noexcept { return errors_; }
    std::vector<std::exception_ptr> take_errors() noexcept { return std::move(errors_); }
    /// Throws what children failed with, if any did.
    void rethrow() {
        if (!errors_.empty()) throw_all(take_errors());
    }
    const char* operation() const noexcept { return operation_; }

    /// Who deals with how the children end: then a failure does not stop the others, and is not kept.
    /// One that the supervisor does not mark as observed is reported as unhandled.
    class supervisor {
    public:
        /// Called from the loop, once per child.
        virtual void child_ended(green_task& child) noexcept = 0;
        /// The task that awaits the scope is to stop. False: the scope stops its children at once, as
        /// it does without a supervisor.
        virtual bool ends_in_order() noexcept = 0;

    protected:
        ~supervisor() = default;
    };
    void set_supervisor(supervisor& s) noexcept { supervisor_ = &s; }

    /// Someone inside who waits until no more than `children` are left.
    class idle_waiter : public list_node<idle_waiter> {
    public:
        virtual void idle() noexcept = 0;
        std::size_t children = 0;

    protected:
        ~idle_waiter() = default;
    };
    void wait_idle(idle_waiter& w) noexcept { waiters_.push_back(w); }
    void forget(idle_waiter& w) noexcept { waiters_.remove(w); }

    // leaf
    bool ready() const noexcept { return size() == 0; }
    void start() noexcept { awaited_ = true; }
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

    // nursery
    void child_ended(green_task& child) noexcept override;
    green_task* parent() const noexcept override { return parent_; }
    clock::time_point deadline() const noexcept override { return deadline_; }

private:
    void expired() noexcept override;
    void judge(green_task& child) noexcept;
    void wake_idle_waiters() noexcept;

    const char* operation_;
    green_task* parent_;
    const green_task* first_ended_ = nullptr;
    supervisor* supervisor_ = nullptr;
    clock::time_point deadline_ = clock::time_point::max();
    cancel_request why_;
    std::vector<std::exception_ptr> errors_;
    intrusive_list<idle_waiter> waiters_;
    bool stop_at_first_end_ = false;
    bool stopped_ = false;
    bool expired_ = false;
    bool awaited_ = false;
};

/// Waits until no more than so many children of a scope are left. **cancel:** total.
class scope_idle final : public leaf, private scope::idle_waiter {
public:
    /// `operation`, of static storage, is for dumps.
    scope_idle(scope& s, std::size_t left, const char* operation) noexcept
        : scope_(s), operation_(operation) {
        children = left;
    }
    /// Before it is awaited only.
    scope_idle(const scope_idle& o) noexcept : scope_idle(o.scope_, o.children, o.operation_) {}
    scope_idle& operator=(const scope_idle&) = delete;

    bool ready() const noexcept { return scope_.size() <= children; }
    void start() noexcept { scope_.wait_idle(*this); }
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

private:
    void idle() noexcept override { waiter().wake(); }

    scope& scope_;
    const char* operation_;
};

/// One child's contribution to a tuple or variant: void is std::monostate.
template <class T>
using value_or_unit = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

template <class T>
value_or_unit<T> take_value(typed_task<T>& t) {
    if constexpr (std::is_void_v<T>) {
        t.take();
        return {};
    } else {
        return t.take();
    }
}

/// What a combinator does when a child was cancelled and there is neither a value nor an error: it
/// stops with its own task if that is cancelled, and says what happened otherwise.
task<> no_result(const scope& s, const green_task& child);

}  // namespace green::detail
