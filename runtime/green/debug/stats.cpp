#include <green/debug/stats.hpp>

#include <green/loop/loop_core.hpp>

#include <algorithm>
#include <bit>

namespace green {

loop_stats this_loop_stats() {
    auto const& core = detail::loop_core::require("this_loop_stats");
    loop_stats s;
    s.tasks_spawned = core.spawned();
    s.tasks_alive = static_cast<std::size_t>(core.spawned() - core.ended());
    s.resumes = core.resumes();
    return s;
}

class loop_meter::observer final : public detail::task_observer {
public:
    explicit observer(detail::loop_core& core) : core_(core) { core_.add_observer(*this); }
    observer(const observer&) = delete;
    observer& operator=(const observer&) = delete;
    ~observer() { core_.remove_observer(*this); }

    void attached(detail::scheduler&) noexcept override {
        attached_ = true;
        away_since_ = steady::now();
    }
    void resumes(detail::green_task&) noexcept override { step_since_ = steady::now(); }
    void paused(detail::green_task& t) noexcept override {
        std::chrono::nanoseconds const took = steady::now() - step_since_;
        if (took <= times_.longest_resume) return;
        times_.longest_resume = took;
        times_.longest_resume_spawned_at = t.spawned_at();
        try {
            times_.longest_resume_task = t.label();
        } catch (...) {  // no memory: the place must do
        }
    }
    void polls() noexcept override {
        std::chrono::nanoseconds const away = steady::now() - away_since_;
        times_.longest_lag = std::max(times_.longest_lag, away);
        auto const us = static_cast<std::uint64_t>(away.count()) / 1000;
        ++times_.lag[std::min<std::size_t>(std::bit_width(us), times_.lag.size() - 1)];
    }
    void polled() noexcept override { away_since_ = steady::now(); }

    const loop_times& times() const noexcept { return times_; }
    std::chrono::nanoseconds this_step() const noexcept {
        return attached_ ? steady::now() - step_since_ : std::chrono::nanoseconds(0);
    }

private:
    using steady = std::chrono::steady_clock;

    detail::loop_core& core_;
    loop_times times_;
    bool attached_ = false;
    steady::time_point away_since_;
    steady::time_point step_since_;
};

loop_meter::loop_meter()
    : observer_(std::make_unique<observer>(detail::loop_core::require("loop_meter"))) {}

loop_meter::~loop_meter() = default;

const loop_times& loop_meter::times() const noexcept { return observer_->times(); }

std::chrono::nanoseconds loop_meter::this_step() const noexcept { return observer_->this_step(); }

}  // namespace green
