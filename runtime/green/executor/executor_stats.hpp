#pragma once

#include <green/core/config.hpp>

#include <cstddef>
#include <cstdint>

namespace green {

/// What an executor is at, all taken at one moment.
struct executor_stats {
    std::size_t max_workers = 0;
    std::size_t workers = 0;  ///< threads or processes that are there now
    std::size_t idle = 0;  ///< of them, those that wait for a job
    std::size_t queued = 0;  ///< jobs that have not begun
    std::size_t running = 0;  ///< jobs that have begun and not ended
    // Since the beginning:
    std::uint64_t submitted = 0;  ///< jobs that were accepted
    std::uint64_t finished = 0;  ///< jobs that ended by themselves, with a value or an exception
    std::uint64_t cancelled = 0;  ///< jobs that were cancelled before they began, or killed
    std::uint64_t workers_started = 0;
};

}  // namespace green
