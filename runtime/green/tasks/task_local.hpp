#pragma once

#include <green/core/green_task.hpp>

#include <concepts>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

namespace green {

namespace detail {

/// The values that a green task has of its own or inherited. Many tasks share one block: it is copied
/// when one of them sets a value. Few tasks have more than a handful, so it is searched in order.
struct local_values {
    struct entry {
        std::uint64_t key;
        std::shared_ptr<const void> value;
    };
    std::vector<entry> entries;
};

std::uint64_t next_local_key() noexcept;

/// The value of the green task that runs now; null if it has none, or no task runs.
const void* find_local(std::uint64_t key) noexcept;

/// The green task that runs now, or std::logic_error.
green_task& require_local_owner();

/// Gives `t` a value, null for none; returns the one before.
std::shared_ptr<const void> exchange_local(
    green_task& t, std::uint64_t key, std::shared_ptr<const void> value
);

/// Sets back what it replaced, in the task where it did.
class [[nodiscard]] local_restorer {
public:
    local_restorer(green_task& t, std::uint64_t key, std::shared_ptr<const void> value)
        : task_(&t), key_(key), previous_(exchange_local(t, key, std::move(value))) {}
    local_restorer(const local_restorer&) = delete;
    local_restorer& operator=(const local_restorer&) = delete;
    ~local_restorer();

private:
    task_ref<green_task> task_;
    std::uint64_t key_;
    std::shared_ptr<const void> previous_;
};

}  // namespace detail

/// A variable with a value of its own in every green task: a request id, a user, a log level.
///
/// A task begins with the values that its spawner has at that moment, whether it is made by `spawn`, a
/// group, a pool, or is a body given to a combinator (with_timeout, when_all, …), which is a task of
/// its own. What it sets then is seen by itself and by those it spawns afterwards, not by the spawner.
/// A generator (`stream`) runs in the task that awaits it and has that task's values.
///
/// A value is shared by those who inherited it, so it is read-only; it dies with the last task that has
/// it, at the task's end, even if handles live. A task that uses no task-local pays nothing.
/// Declare it at namespace scope or as a static member; it may die before the tasks that use it.
///
///     task_local<std::string> request_id;
///     task<> handle(request r) {
///         request_id.set(r.id);
///         co_await with_group(…);                        // all in it see request_id.get() == r.id
///     }
///
/// Jobs of executors are no green tasks and see the initial value. Models: Python's contextvars, gevent.local.
template <class T>
class task_local {
    static_assert(
        std::is_object_v<T> && !std::is_const_v<T>, "green: a task_local is one of plain values"
    );

public:
    using value_type = T;

    /// `T()` where no task has set another.
    task_local()
        requires std::default_initializable<T>
        : initial_() {}
    explicit task_local(T initial) : initial_(std::move(initial)) {}
    task_local(const task_local&) = delete;
    task_local& operator=(const task_local&) = delete;

    /// The value of the green task that runs now; where none runs, the initial one. The reference
    /// holds until this task sets another value, or ends.
    const T& get() const noexcept {
        const void* const value = detail::find_local(key_);
        return value ? *static_cast<const T*>(value) : initial_;
    }
    const T& operator*() const noexcept { return get(); }
    const T* operator->() const noexcept { return &get(); }

    /// Sets the value for this green task, and for those it spawns from now on. std::logic_error
    /// where no task runs.
    void set(T value) const {
        detail::exchange_local(detail::require_local_owner(), key_, share(std::move(value)));
    }

    /// Sets the value until the returned object dies, which brings the one before back:
    /// `auto const restore = log_level.with(debug);`. Keep it in a local variable.
    auto with(T value) const {
        return detail::local_restorer(detail::require_local_owner(), key_, share(std::move(value)));
    }

private:
    static std::shared_ptr<const void> share(T&& value) {
        return std::make_shared<const T>(std::move(value));
    }

    std::uint64_t key_ = detail::next_local_key();
    T initial_;
};

}  // namespace green
