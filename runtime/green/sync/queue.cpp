#include <green/sync/queue.hpp>

#include <stdexcept>
#include <string>

namespace green::detail {

void throw_too_many_done(const named& queue) {
    std::string what = "green: queue.task_done";
    if (!queue.name().empty()) what.append(" of '").append(queue.name()).append("'");
    throw std::logic_error(what + ": called more often than there were items");
}

}  // namespace green::detail
