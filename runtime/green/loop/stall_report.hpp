#pragma once

#include <green/core/green_task.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace green {

/// One step of a task, or a posted function, keeps its loop from everything else for longer than
/// `run_options::stall_threshold`.
struct stall_report {
    enum class kind : std::uint8_t {
        stuck,  ///< it still does
        went_on,  ///< it is over; comes once after each `stuck`, also at the end of a run
    };
    kind what = kind::stuck;
    /// Until now, or all in all.
    std::chrono::nanoseconds duration{0};
    /// The task; none for a posted function, or if the loop's thread did not tell in time.
    task_id task = task_id::none;
    /// A few lines for people: which task, where it was spawned, where it is, the stack of the thread.
    std::string text;
};

}  // namespace green
