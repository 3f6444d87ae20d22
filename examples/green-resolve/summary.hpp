#pragma once

#include "statistics.hpp"

#include <green/dns/resolver.hpp>

#include <chrono>
#include <cstdint>
#include <string>

namespace tool {

/// How a run went.
struct run_facts {
    const statistics& results;
    std::uint64_t not_done = 0;  // begun, and then came an interrupt
    std::chrono::nanoseconds elapsed{};
    green::resolver_stats resolver{};
};

/// Some lines for people.
std::string summary_text(const run_facts& facts);

/// One line for a terminal, without an end of line.
std::string progress_text(const statistics& so_far, std::chrono::nanoseconds elapsed);

/// "timeout 3, server_failure 1"
std::string causes_text(const statistics& results);

}  // namespace tool
