#include <green/tasks/join_set.hpp>

#include <green/loop/loop_core.hpp>

#include <algorithm>

namespace green::detail {
namespace {

/// Waits for the first of: enough ends, a failure (if asked for), the deadline.
class join_set final : public leaf, private timer {
public:
    join_set(const task_refs& tasks, const join_limits& limits)
        : tasks_(tasks), limits_(limits), nodes_(std::make_unique<node[]>(tasks.size())) {
        limits_.count = std::min(limits.count, tasks.size());
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            if (tasks[i]->ended()) ended_.push_back(i);
        }
        std::sort(ended_.begin(), ended_.end(), [&](std::size_t a, std::size_t b) {
            return tasks_[a]->ended_at() < tasks_[b]->ended_at();
        });
        for (std::size_t i : ended_) failed_ = failed_ || tasks_[i]->failed();
    }
    join_set(const join_set&) = delete;
    join_set& operator=(const join_set&) = delete;

    bool ready() const {
        if (over()) return true;
        const green_task* const me = scheduler::current()->running();
        std::size_t others = 0;
        for (const auto& t : tasks_) others += t.get() != me;
        if (limits_.count > others && limits_.deadline == clock::time_point::max()) {
            throw_logic_error("green: a task joins itself: it would wait for ever");
        }
        return false;
    }
    void start() {
        loop_core& core = *loop_core::current();
        if (limits_.deadline <= core.now()) return waiter().wake();
        core.timers().arm_limit(*this, limits_.deadline);  // may throw, so nothing is linked yet
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            if (tasks_[i]->ended()) continue;
            nodes_[i].set = this;
            nodes_[i].index = i;
            tasks_[i]->joiners().push_back(nodes_[i]);
        }
    }
    std::vector<std::size_t> result() noexcept { return std::move(ended_); }

    bool cancel() noexcept override {
        stop();
        return true;
    }
    void describe(std::string& out) const override {
        out += "joinall, " + std::to_string(ended_.size()) + " of " +
            std::to_string(tasks_.size()) + " have ended";
    }

private:
    struct node final : joiner {
        void task_ended(green_task& t) noexcept override { set->one_ended(index, t); }
        join_set* set = nullptr;
        std::size_t index = 0;
    };

    bool over() const noexcept {
        return ended_.size() >= limits_.count || (limits_.first_failure && failed_);
    }
    void one_ended(std::size_t index, green_task& t) noexcept {
        ended_.push_back(index);
        failed_ = failed_ || t.failed();
        if (!over()) return;
        stop();
        waiter().wake();
    }
    void expired() noexcept override {
        stop();
        waiter().wake();
    }
    void stop() noexcept {
        loop_core::current()->timers().disarm(*this);
        for (std::size_t i = 0; i < tasks_.size(); ++i) {
            if (nodes_[i].linked()) tasks_[i]->joiners().remove(nodes_[i]);
        }
    }

    const task_refs& tasks_;
    join_limits limits_;
    std::unique_ptr<node[]> nodes_;
    std::vector<std::size_t> ended_;
    bool failed_ = false;
};

/// The same for one task.
class join_wait final : public leaf, private joiner, private timer {
public:
    join_wait(green_task& target, std::chrono::nanoseconds timeout) noexcept
        : timer(timeout == forever ? clock::time_point::max() : saturating_add(now(), timeout)),
          target_(target) {}

    bool ready() {
        ended_ = target_.ended();
        if (!ended_ && &target_ == scheduler::current()->running() && endless()) {
            throw_logic_error("green: a task joins itself: it would wait for ever");
        }
        return ended_;
    }
    void start() {
        if (!endless()) {
            loop_core& core = *loop_core::current();
            if (deadline() <= core.now()) return waiter().wake();
            core.timers().arm_limit(*this, deadline());  // may throw, so nothing is linked yet
        }
        target_.joiners().push_back(*this);
    }
    bool result() const noexcept { return ended_; }

    bool cancel() noexcept override {
        stop();
        return true;
    }
    void describe(std::string& out) const override { out += "join of " + target_.label(); }
    const green_task* blocked_by() const noexcept override { return &target_; }

private:
    bool endless() const noexcept { return deadline() == clock::time_point::max(); }
    void task_ended(green_task&) noexcept override {
        ended_ = true;
        stop();
        waiter().wake();
    }
    void expired() noexcept override {
        stop();
        waiter().wake();
    }
    void stop() noexcept {
        if (armed()) loop_core::current()->timers().disarm(*this);
        if (joiner::linked()) target_.joiners().remove(*this);
    }

    green_task& target_;
    bool ended_ = false;
};

}  // namespace

task<std::vector<std::size_t>> join_many(task_refs tasks, join_limits limits) {
    join_set set(tasks, limits);
    std::vector<std::size_t> ended = co_await set;
    for (std::size_t i : ended) tasks[i]->mark_observed();
    co_return ended;
}

task<bool> join_one(task_ref<green_task> t, std::chrono::nanoseconds timeout) {
    join_wait wait(*t, timeout);
    bool const ended = co_await wait;
    if (ended) t->mark_observed();
    co_return ended;
}

void end_callback::attach(green_task& t) noexcept {
    if (t.ended()) return task_ended(t);
    t.joiners().push_back(*this);
}

void end_callback::task_ended(green_task& t) noexcept {
    try {
        run();
    } catch (...) {
        t.owner().unhandled(std::current_exception(), "a done callback");
    }
    delete this;
}

}  // namespace green::detail
