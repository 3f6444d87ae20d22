#pragma once

// Internal: the tree of tasks as data and as text. <green/debug/tasks.hpp> is its public face.

#include <green/core/scheduler.hpp>
#include <green/core/source_text.hpp>
#include <green/loop/task_info.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

/// The tasks of the nursery and all below them: parents before their children, those before the next
/// sibling. Ages are known for the root of a loop that runs on this thread.
std::vector<task_info> snapshot(const nursery& root);

/// `#3 'worker'`.
std::string label(task_id id, std::string_view name);

/// `not started`, `waits for` …
std::string_view state_word(task_state s) noexcept;

/// The first task waits for the second, that for the third … the last for the first. Each cycle once.
using wait_cycle = std::vector<const task_info*>;
std::vector<wait_cycle> wait_cycles(const std::vector<task_info>& tasks);

/// For people: a line for each task, then where it is, innermost first, and where it comes from;
/// children further to the right. Cycles of waiting at the end.
std::string to_text(const std::vector<task_info>& tasks);

/// The two in one, for reports.
std::string dump_tasks(const nursery& root);

/// The report of a failure that nobody handled.
std::string failure_report(const green_task& t);

}  // namespace green::detail
