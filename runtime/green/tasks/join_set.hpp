#pragma once

#include <green/core/task.hpp>
#include <green/core/time.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <utility>
#include <vector>

// Internal: waiting for the end of tasks, where their results do not matter.

namespace green::detail {

/// When a wait for several tasks is over.
struct join_limits {
    clock::time_point deadline = clock::time_point::max();
    std::size_t count = static_cast<std::size_t>(-1);  // so many have ended
    bool first_failure = false;  // or one has failed
};

using task_refs = std::vector<task_ref<green_task>>;

/// Waits within `limits`; gives the indices of those that have ended, in the order in which they
/// did. They count as looked at.
task<std::vector<std::size_t>> join_many(task_refs tasks, join_limits limits);

/// Waits for one; false when `timeout` came first.
task<bool> join_one(task_ref<green_task> t, std::chrono::nanoseconds timeout);

/// Calls `run()` once when the task has ended, or at once; then deletes itself.
class end_callback : public joiner {
public:
    virtual ~end_callback() = default;
    void attach(green_task& t) noexcept;

protected:
    virtual void run() = 0;

private:
    void task_ended(green_task& t) noexcept final;
};

template <class F>
void add_callback(green_task& t, F f) {
    class made final : public end_callback {
    public:
        explicit made(F&& function) : function_(std::move(function)) {}

    private:
        void run() override { function_(); }
        F function_;
    };
    (new made(std::move(f)))->attach(t);
}

}  // namespace green::detail
