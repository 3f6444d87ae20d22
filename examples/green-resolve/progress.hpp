#pragma once

#include "statistics.hpp"

#include <green/core/task.hpp>
#include <green/core/time.hpp>

namespace tool {

/// Shows how far it is on a line of the terminal, ten times a second, until it is cancelled; then the
/// line is erased.
green::task<> show_progress(const statistics& so_far, green::clock::time_point start);

/// Only where it disturbs nobody: stderr is a terminal, and the results go elsewhere.
bool progress_is_welcome() noexcept;

}  // namespace tool
