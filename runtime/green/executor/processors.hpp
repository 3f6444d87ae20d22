#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <string_view>
#include <vector>

namespace green::detail {

/// Processors that this process may use: of the machine's, those of its affinity mask (taskset), and no
/// more than the quota of its control group gives time for (containers). At least 1.
std::size_t usable_processors();

/// Their numbers, of its affinity mask. Empty: the system does not say.
std::vector<int> allowed_processors();

/// Quota and period, as in cpu.max of control groups version 2 ("150000 100000", "max 100000"): rounded
/// up; 0 where there is no limit.
std::size_t processors_of_quota(std::string_view cpu_max) noexcept;

}  // namespace green::detail
