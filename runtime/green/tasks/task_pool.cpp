#include <green/tasks/task_pool.hpp>

namespace green {
namespace {

class idle_leaf final : public detail::leaf, private detail::pool_core::idle_waiter {
public:
    explicit idle_leaf(std::shared_ptr<detail::pool_core> pool) noexcept : pool_(std::move(pool)) {}

    bool ready() const noexcept { return pool_->taken() == 0; }
    void start() noexcept { pool_->wait_idle(*this); }
    void result() const noexcept {}
    bool cancel() noexcept override {
        pool_->forget(*this);
        return true;
    }
    void describe(std::string& out) const override {
        out += "task_pool::join of " + std::to_string(pool_->taken()) + " tasks";
    }

private:
    void idle() noexcept override { waiter().wake(); }
    std::shared_ptr<detail::pool_core> pool_;
};

task<> join_pool(std::shared_ptr<detail::pool_core> pool) {
    if (pool->running_inside()) {
        detail::throw_logic_error("green: task_pool::join: a task of the pool would wait for itself"
        );
    }
    idle_leaf idle(std::move(pool));
    co_await idle;
}

}  // namespace

task<> task_pool::join() { return join_pool(core_); }

}  // namespace green
