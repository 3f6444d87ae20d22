#include <green/tasks/task_group.hpp>

namespace green {

task<> task_group::join() {
    const detail::green_task* const me = detail::scheduler::current()->running();
    if (me->home() == &scope_ && me != body_) {
        detail::throw_logic_error("green: task_group::join: a child would wait for itself");
    }
    co_await detail::scope_idle(scope_, body_running() ? 1 : 0, "task_group::join");
}

void task_group::stop_if_stopped(detail::green_task& child) noexcept {
    if (scope_.stopped()) child.request_cancel("its group has stopped", child.spawned_at());
}

}  // namespace green
