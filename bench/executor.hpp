#pragma once

#include "measure.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

// The sizes of bench/executor.cpp and its peers.

namespace bench {

inline constexpr std::size_t in_flight = 1000;
inline constexpr int jobs_per_slice = 100'000;
inline constexpr int long_jobs_per_slice = 3'000;
inline constexpr int round_trips_per_slice = 1'000;
inline constexpr std::int64_t long_job_ns = 10'000;
/// The cost of one operation in elapsed time; the fastest slice counts.
class best_time {
public:
    void begin() { start_ = wall_ns(); }
    void end(std::size_t operations) {
        double const ns = static_cast<double>(wall_ns() - start_) / static_cast<double>(operations);
        if (best_ == 0 || ns < best_) best_ = ns;
    }
    double ns() const { return best_; }

private:
    std::int64_t start_ = 0;
    double best_ = 0;
};

/// Computes for 10 µs.
inline void work_10us() {
    std::int64_t const end = wall_ns() + long_job_ns;
    while (wall_ns() < end) {}
}

/// A figure and its number of threads.
struct threads_figure {
    const char* name;
    unsigned threads;
};
inline constexpr threads_figure empty_jobs[] = {
    {"empty_jobs_1", 1}, {"empty_jobs_2", 2}, {"empty_jobs_8", 8}, {"empty_jobs_64", 64}
};

}  // namespace bench
