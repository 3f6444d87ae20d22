#include <green/core/nursery.hpp>

#include <green/core/green_task.hpp>

namespace green::detail {

void nursery::cancel_children(const cancel_request& why) noexcept {
    for (green_task* c = children_.back(); c; c = children_.before(*c)) {
        c->request_cancel(why.reason, why.where);
    }
}

}  // namespace green::detail
