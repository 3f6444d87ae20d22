#pragma once

#include <green/core/green_task.hpp>
#include <green/core/time.hpp>

#include <string_view>

/// About the green task that runs now. std::logic_error where none does.
namespace green::this_task {

/// Its number. A body given to a combinator (with_timeout, when_all, …) is a task of its own.
task_id id();

/// Its name, or that of the nearest task around it that has one; empty if none has.
std::string_view name();

/// A cancel was asked for and takes effect at the next suspension outside a shield. For long
/// computations that never suspend.
bool cancel_requested();

/// The nearest of the limits (with_timeout, with_deadline, move_on_after) around it;
/// `time_point::max()` without any. Not passed on by `spawn`.
clock::time_point deadline();

}  // namespace green::this_task
