#pragma once

// Internal: the jobs of a thread executor that have not begun.

#include <green/executor/thread_job.hpp>

#include <cstddef>
#include <functional>
#include <map>

namespace green::detail {

/// The greatest priority first, first come first served within one. Most jobs have priority 0: they
/// need no search. The jobs belong to somebody else.
class job_queue {
public:
    bool empty() const noexcept { return size_ == 0; }
    std::size_t size() const noexcept { return size_; }
    /// There is one of priority 0.
    bool has_ordinary() const noexcept { return !ordinary_.empty(); }

    /// Throws only if there is no memory for a new priority; nothing has happened then.
    void push(thread_job& j);
    /// Null if there is none.
    thread_job* pop() noexcept;
    void remove(thread_job& j) noexcept;

private:
    using list = intrusive_list<thread_job>;

    list ordinary_;
    std::map<int, list, std::greater<>> others_;  // none of them is empty
    std::size_t size_ = 0;
};

}  // namespace green::detail
