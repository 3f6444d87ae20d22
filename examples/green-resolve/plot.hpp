#pragma once

#include "statistics.hpp"

#include <chrono>
#include <string>

namespace tool {

/// An SVG picture of a run: above the latency over its time, as a density with its median and 99th
/// percentile, below how the latencies are distributed. Follows the reader's light or dark theme.
std::string plot_svg(const statistics& results, std::chrono::nanoseconds elapsed);

}  // namespace tool
