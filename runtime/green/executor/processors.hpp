#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace green::detail {

/// Processors that this process may use: of the machine's, those of its affinity mask (taskset), and no
/// more than the quota of its control group gives time for (containers). At least 1.
std::size_t usable_processors();

/// Their numbers, of its affinity mask. Empty: the system does not say.
std::vector<int> allowed_processors();

/// What the quota of its control group and of those above it gives time for, of version 1 or 2; 0: there
/// is none. `root` stands before the paths of the system, "" but in tests.
std::size_t processors_of_cgroup(const std::string& root);

/// Quota and period, as in cpu.max of control groups version 2 ("150000 100000", "max 100000"): rounded
/// up; 0 where there is no limit.
std::size_t processors_of_quota(std::string_view cpu_max) noexcept;

}  // namespace green::detail
