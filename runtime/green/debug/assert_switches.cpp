#include <green/debug/assert_switches.hpp>

#include <green/core/source_text.hpp>

#include <algorithm>
#include <stdexcept>

namespace green::detail {

void check_switches(
    const loop_meter& meter, std::uint64_t resumes, std::chrono::nanoseconds limit
) {
    if (this_loop_stats().resumes == resumes) {
        throw std::logic_error("assert_switches: the operation never let other tasks run");
    }
    auto const& times = meter.times();
    std::chrono::nanoseconds const last = meter.this_step();
    std::chrono::nanoseconds const longest = std::max(times.longest_resume, last);
    if (longest <= limit) return;
    throw std::logic_error(
        "assert_switches: a step of " +
        (longest == last ? "this task" : "task " + times.longest_resume_task) + " lasted " +
        describe(longest) + ", more than " + describe(limit)
    );
}

}  // namespace green::detail
