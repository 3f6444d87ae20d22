#include <green/tasks/this_task.hpp>

#include <green/core/errors.hpp>
#include <green/core/scheduler.hpp>

#include <algorithm>

namespace green::this_task {
namespace {

detail::green_task& running(const char* operation) {
    detail::green_task* const t = detail::scheduler::require(operation).running();
    if (!t) detail::throw_logic_error("green: this_task is used outside a green task");
    return *t;
}

/// The task that waits for `t` in a combinator; null for one that was spawned.
detail::green_task* around(const detail::green_task& t) noexcept {
    return t.home() ? t.home()->parent() : nullptr;
}

}  // namespace

task_id id() { return running("this_task::id").id(); }

std::string_view name() {
    const detail::green_task* t = &running("this_task::name");
    while (t && t->name().empty()) t = around(*t);
    return t ? t->name() : std::string_view();
}

bool cancel_requested() { return running("this_task::cancel_requested").cancel_requested(); }

clock::time_point deadline() {
    auto nearest = clock::time_point::max();
    for (const detail::green_task* t = &running("this_task::deadline"); t; t = around(*t)) {
        if (t->home()) nearest = std::min(nearest, t->home()->deadline());
    }
    return nearest;
}

}  // namespace green::this_task
