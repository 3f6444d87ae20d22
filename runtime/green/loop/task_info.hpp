#pragma once

#include <green/core/green_task.hpp>

#include <chrono>
#include <source_location>
#include <string>
#include <vector>

namespace green {

/// What a green task is doing: `created` (not begun), `ready` (in the queue), `running`, `suspended` (it
/// waits), `unwinding` (its frames are being destroyed by a cancel), `ended`.
using detail::task_state;

/// A green task at one moment, copied: it stays valid when the task has ended.
struct task_info {
    task_id id = task_id::none;
    /// The task whose scope (with_group, when_all, with_timeout …) it belongs to; none for those made by
    /// `spawn`, which belong to the loop.
    task_id parent = task_id::none;
    std::string name;
    task_state state = task_state::created;
    /// Since it was spawned, on the loop's clock; to the millisecond, for old tasks to a hundredth or so.
    std::chrono::nanoseconds age{0};
    std::source_location spawned_at;
    /// Where it is, innermost first: the `co_await` at which each coroutine waits for the one before it.
    /// In a running task the first place is the last `co_await` that was passed. Empty before its first
    /// step.
    std::vector<std::source_location> stack;
    /// Of a suspended task, in words: `join of #3 'worker'`.
    std::string waits_for;
    /// The one task that must act before this one can go on, if there is such a one: the target of a
    /// join, the holder of a lock.
    task_id blocked_by = task_id::none;
    bool cancel_requested = false;
    /// Inside `shield` or a cleanup: the cancel waits.
    bool shielded = false;
    std::string cancel_reason;
    std::source_location cancelled_at;
};

}  // namespace green
