#include <green/executor/processors.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <string>
#include <thread>

#include <sched.h>

namespace green::detail {
namespace {

std::size_t processors_of_affinity() noexcept {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        return static_cast<std::size_t>(std::max(1, CPU_COUNT(&set)));
    }
    return std::max(1U, std::thread::hardware_concurrency());
}

std::string first_line(const std::string& path) {
    std::string line;
    std::getline(std::ifstream(path), line);
    return line;
}

/// A line of /proc/self/cgroup is `number:controllers:path`; version 2 has one, with no controllers.
struct cgroup {
    std::string controllers;
    std::string path;
};

cgroup parse_cgroup(const std::string& line) {
    auto const first = line.find(':');
    auto const second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) return {};
    return {line.substr(first + 1, second - first - 1), line.substr(second + 1)};
}

bool has_cpu(const std::string& controllers) {
    return ("," + controllers + ",").find(",cpu,") != std::string::npos;
}

/// The smallest limit of the group at `path` and of those above it. In a container the path is often
/// that of the host, and the group is the root of what is mounted.
template <class Limit>
std::size_t smallest_up_from(std::string path, Limit limit) {
    std::size_t least = 0;
    for (;;) {
        std::size_t const here = limit(path == "/" ? std::string() : path);
        if (here != 0 && (least == 0 || here < least)) least = here;
        if (path.empty() || path == "/") return least;
        path.resize(path.rfind('/') == std::string::npos ? 0 : path.rfind('/'));
    }
}

std::size_t quota_of_version_2(const std::string& folder) {
    return processors_of_quota(first_line(folder + "/cpu.max"));
}

std::size_t quota_of_version_1(const std::string& folder) {
    std::string const quota = first_line(folder + "/cpu.cfs_quota_us");
    return processors_of_quota(quota + " " + first_line(folder + "/cpu.cfs_period_us"));
}

}  // namespace

std::size_t processors_of_cgroup(const std::string& root) {
    std::size_t least = 0;
    auto const take = [&least](std::size_t n) {
        if (n != 0 && (least == 0 || n < least)) least = n;
    };
    std::string const mounted = root + "/sys/fs/cgroup";
    std::string const cpu_mounted = mounted + "/cpu";
    std::ifstream groups(root + "/proc/self/cgroup");
    for (std::string line; std::getline(groups, line);) {
        cgroup const group = parse_cgroup(line);
        if (group.controllers.empty()) {
            take(smallest_up_from(group.path, [&](const std::string& path) {
                return quota_of_version_2(mounted + path);
            }));
        } else if (has_cpu(group.controllers)) {
            take(smallest_up_from(group.path, [&](const std::string& path) {
                return quota_of_version_1(cpu_mounted + path);
            }));
        }
    }
    return least;
}

std::size_t processors_of_quota(std::string_view cpu_max) noexcept {
    auto const space = cpu_max.find(' ');
    if (space == std::string_view::npos) return 0;
    auto const number = [](std::string_view text) {
        long long value = 0;
        auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
        return result.ec == std::errc() ? value : 0;  // "max"
    };
    long long const quota = number(cpu_max.substr(0, space));
    long long const period = number(cpu_max.substr(space + 1));
    if (quota <= 0 || period <= 0) return 0;
    return static_cast<std::size_t>((quota - 1) / period + 1);
}

std::vector<int> allowed_processors() {
    std::vector<int> numbers;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return numbers;
    for (int i = 0; i < CPU_SETSIZE; ++i) {
        if (CPU_ISSET(i, &set)) numbers.push_back(i);
    }
    return numbers;
}

std::size_t usable_processors() {
    std::size_t const allowed = processors_of_affinity();
    std::size_t const quota = processors_of_cgroup({});
    return quota == 0 ? allowed : std::min(allowed, quota);
}

}  // namespace green::detail
