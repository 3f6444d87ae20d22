#pragma once

#include <green/core/time.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>

namespace green {

/// What a loop has done since its run began. Counting it costs nothing.
struct loop_stats {
    std::size_t tasks_alive = 0;
    std::uint64_t tasks_spawned = 0;
    /// Steps of tasks: how often one was resumed or begun.
    std::uint64_t resumes = 0;
};

/// Of the loop that runs on this thread; std::logic_error where none does.
loop_stats this_loop_stats();

/// What a `loop_meter` has measured.
struct loop_times {
    /// How often the loop was away from I/O and timers for less than a microsecond, less than 2 µs, 4 µs,
    /// 8 µs … and, in the last one, for longer.
    std::array<std::uint64_t, 24> lag{};
    std::chrono::nanoseconds longest_lag{0};
    /// The longest step of a task, which one it was and where it was spawned.
    std::chrono::nanoseconds longest_resume{0};
    std::string longest_resume_task;
    std::source_location longest_resume_spawned_at;
};

/// While it lives, the steps of the loop's tasks are timed, from its next turn on: two readings of the
/// clock for each. Made and destroyed inside the run; std::logic_error where no loop runs.
///
///     loop_meter meter;
///     co_await serve(listener, handler);
///     log("longest step: ", meter.times().longest_resume_task);
class loop_meter {
public:
    loop_meter();
    loop_meter(const loop_meter&) = delete;
    loop_meter& operator=(const loop_meter&) = delete;
    ~loop_meter();

    const loop_times& times() const noexcept;
    /// How long the present step of the running task has lasted; zero in the step that made the meter.
    std::chrono::nanoseconds this_step() const noexcept;

private:
    class observer;
    std::unique_ptr<observer> observer_;
};

}  // namespace green
