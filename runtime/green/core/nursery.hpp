#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/core/time.hpp>

#include <cstddef>
#include <source_location>
#include <string>

namespace green::detail {

class green_task;

/// Why and where a cancel was asked for.
struct cancel_request {
    std::string reason;
    std::source_location where;
};

/// The owner of a set of green tasks. Every live green task is in exactly one: the children of a
/// combinator are in the scope that awaits them, all others in the loop's root.
class nursery {
public:
    /// `child` has ended and is no longer in `children()`. Called from the loop, once per child.
    virtual void child_ended(green_task& child) noexcept = 0;

    /// The green task that waits for the children; null for the loop's root.
    virtual green_task* parent() const noexcept = 0;

    /// When the children will be cancelled for being late, if ever.
    virtual clock::time_point deadline() const noexcept { return clock::time_point::max(); }

    const intrusive_list<green_task>& children() const noexcept { return children_; }
    std::size_t size() const noexcept { return size_; }

    void adopt(green_task& child) noexcept;
    void remove(green_task& child) noexcept;

    /// Cancels every child, the youngest first: a task often refers to what an older one has in its
    /// frame, main above all. Children that are added later are the caller's business.
    void cancel_children(const cancel_request& why) noexcept;

protected:
    nursery() = default;
    nursery(const nursery&) = delete;
    nursery& operator=(const nursery&) = delete;
    ~nursery() = default;

private:
    intrusive_list<green_task> children_;
    std::size_t size_ = 0;
};

}  // namespace green::detail
