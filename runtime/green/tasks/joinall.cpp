#include <green/tasks/joinall.hpp>

namespace green::detail {

task<> kill_all(task_refs tasks, std::chrono::nanoseconds timeout, std::source_location where) {
    for (auto const& t : tasks) t->request_cancel("killall", where);
    join_limits limits;
    limits.deadline = saturating_add(now(), timeout);
    std::size_t const total = tasks.size();
    std::vector<std::size_t> const ended = co_await join_many(std::move(tasks), limits);
    if (ended.size() < total) {
        throw timeout_error(
            "killall: " + std::to_string(total - ended.size()) + " of " + std::to_string(total) +
            " tasks have not ended in time"
        );
    }
}

}  // namespace green::detail
