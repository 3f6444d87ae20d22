#pragma once

#include <green/core/config.hpp>

namespace green::detail {

class green_task;
class scheduler;

/// Sees what the tasks of one loop do: tracing, statistics, instruments. It is called between the steps
/// of tasks, on the loop's thread, and wakes, starts or cancels nothing. An observer sees a task from
/// `attached` on, at which moment none runs.
class task_observer {
public:
    virtual void attached(scheduler&) noexcept {}
    /// Made, and in the ready queue. Inside the step of the task that spawns, or between steps.
    virtual void spawned(green_task&) noexcept {}
    /// Its next step begins.
    virtual void resumes(green_task&) noexcept {}
    /// Its step is over: it is ready again, suspended, unwinding or at its end.
    virtual void paused(green_task&) noexcept {}
    /// After `paused`; its outcome is there, and nobody has been told.
    virtual void ended(green_task&) noexcept {}
    /// The loop looks for I/O. What was ready has had its turn.
    virtual void polls() noexcept {}
    virtual void polled() noexcept {}

protected:
    ~task_observer() = default;
};

}  // namespace green::detail
