#pragma once

// Internal: what others wait for although its task is abandoned.

#include <green/core/intrusive_list.hpp>

namespace green::detail {

/// Something in the frames of a task, which are never destroyed if the task is abandoned at the end of
/// a run: it is told instead.
class abandon_watch : public list_node<abandon_watch> {
public:
    virtual void abandoned() noexcept = 0;

protected:
    ~abandon_watch() = default;
};

}  // namespace green::detail
