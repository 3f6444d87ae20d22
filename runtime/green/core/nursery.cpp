#include <green/core/nursery.hpp>

#include <green/core/green_task.hpp>

namespace green::detail {

void nursery::adopt(green_task& child) noexcept {
    child.home_ = this;
    children_.push_back(child);
    ++size_;
}

void nursery::remove(green_task& child) noexcept {
    children_.remove(child);
    --size_;
}

void nursery::cancel_children(const cancel_request& why) noexcept {
    for (green_task* c = children_.front(); c; c = children_.after(*c)) {
        c->request_cancel(why.reason, why.where);
    }
}

} // namespace green::detail
