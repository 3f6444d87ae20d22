#pragma once

#include <green/core/config.hpp>

#include <string>

namespace green::detail {

class green_task;

/// What a suspended green task waits for: a sleep, a join, a job, a query. Exactly one at a time.
///
/// green's own awaitables derive from it and have three more members, which a C++20 awaiter calls
/// await_ready, await_suspend and await_resume:
///
///     bool ready();      // the result is there already; otherwise
///     void start();      // begin to wait for it, and at some time call waiter().wake()
///     T    result();     // called once, when the task goes on
///
/// An awaiter of anybody else is wrapped in a leaf (foreign_awaiter in awaitable.hpp).
class leaf {
public:
    /// Asks the operation to end. `true`: it is unlinked, its completion will never come, and the
    /// waiting frames may be destroyed. `false`: it is still in flight and will complete as usual.
    /// Called at most once per wait, on the loop's thread, never after `wake()`.
    virtual bool cancel() noexcept = 0;

    /// Appends what is waited for, in words: `sleep until 2.5 s`, `join of #3 'worker'`.
    virtual void describe(std::string& out) const = 0;

    /// The one green task that must act before this wait can end, if there is such a one: the target
    /// of a join, the holder of a lock. Dumps find cycles of waiting with it.
    virtual const green_task* blocked_by() const noexcept { return nullptr; }

protected:
    leaf() = default;
    leaf(const leaf&) = default;
    leaf& operator=(const leaf&) = default;
    ~leaf() = default;

    /// The green task that waits here. Set before `start()`.
    green_task& waiter() const noexcept { return *waiter_; }

private:
    friend class green_task;
    green_task* waiter_ = nullptr;
};

}  // namespace green::detail
