#include <green/tasks/task_group.hpp>

namespace green {
namespace {

class idle_leaf final : public detail::leaf, private detail::scope::idle_waiter {
public:
    idle_leaf(detail::scope& s, std::size_t left) : scope_(s) { children = left; }

    bool ready() const noexcept { return scope_.size() <= children; }
    void start() noexcept { scope_.wait_idle(*this); }
    void result() const noexcept {}
    bool cancel() noexcept override {
        scope_.forget(*this);
        return true;
    }
    void describe(std::string& out) const override {
        out += "task_group::join of " + std::to_string(scope_.size() - children) + " tasks";
    }

private:
    void idle() noexcept override { waiter().wake(); }
    detail::scope& scope_;
};

}  // namespace

task<> task_group::join() {
    const detail::green_task* const me = detail::scheduler::current()->running();
    if (me->home() == &scope_ && me != body_) {
        detail::throw_logic_error("green: task_group::join: a child would wait for itself");
    }
    idle_leaf idle(scope_, body_running() ? 1 : 0);
    co_await idle;
}

void task_group::stop_if_stopped(detail::green_task& child) noexcept {
    if (scope_.stopped()) child.request_cancel("its group has stopped", child.spawned_at());
}

}  // namespace green
