#pragma once

#include "lookup.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace tool {

/// How often something took how long, in a fixed amount of memory: `per_octave` classes from each
/// power of two to the next, so that a percentile is right to half of one class.
template <std::size_t PerOctave>
class latency_histogram {
public:
    static constexpr std::size_t per_octave = PerOctave;
    static constexpr std::size_t octaves = 36;  // from 1 µs: up to 19 hours
    static constexpr std::size_t classes = octaves * per_octave;

    static std::size_t class_of(std::chrono::nanoseconds d) noexcept;
    static std::chrono::nanoseconds lower_end(std::size_t c) noexcept;

    void add(std::chrono::nanoseconds d) noexcept {
        ++counts_[class_of(d)];
        ++total_;
    }
    void merge(const latency_histogram& other) noexcept {
        for (std::size_t c = 0; c < classes; ++c) counts_[c] += other.counts_[c];
        total_ += other.total_;
    }

    std::uint32_t count(std::size_t c) const noexcept { return counts_[c]; }
    std::uint64_t total() const noexcept { return total_; }
    /// `part` of all took at most so long; 0 if there are none.
    std::chrono::nanoseconds percentile(double part) const noexcept;

private:
    std::array<std::uint32_t, classes> counts_{};
    std::uint64_t total_ = 0;
};

extern template class latency_histogram<4>;
extern template class latency_histogram<64>;

/// Latencies over the time of the run, in a fixed amount of memory: when there are no columns left,
/// two become one and each lasts twice as long.
class timeline {
public:
    using histogram = latency_histogram<4>;
    struct column {
        histogram latencies;
        std::uint64_t failures = 0;
    };

    void add(std::chrono::nanoseconds when, std::chrono::nanoseconds took, bool failed);

    const std::vector<column>& columns() const noexcept { return columns_; }
    std::chrono::nanoseconds width() const noexcept { return width_; }

private:
    static constexpr std::size_t most_columns = 100;
    void halve();

    std::vector<column> columns_;
    std::chrono::nanoseconds width_ = std::chrono::milliseconds(1);
};

/// What became of all names.
class statistics {
public:
    using histogram = latency_histogram<64>;
    static constexpr auto causes = static_cast<std::size_t>(green::dns_errc::no_servers) + 1;

    /// `when`: since the start.
    void add(const outcome& o, std::chrono::nanoseconds when);

    std::uint64_t done() const noexcept { return answered_ + not_found_ + failed_; }
    std::uint64_t answered() const noexcept { return answered_; }
    std::uint64_t not_found() const noexcept { return not_found_; }
    std::uint64_t failed() const noexcept { return failed_; }
    std::uint64_t failed(green::dns_errc cause) const noexcept {
        return by_cause_[static_cast<std::size_t>(cause)];
    }
    std::chrono::nanoseconds longest() const noexcept { return longest_; }
    const histogram& latencies() const noexcept { return latencies_; }
    const timeline& over_time() const noexcept { return over_time_; }

private:
    std::uint64_t answered_ = 0;
    std::uint64_t not_found_ = 0;
    std::uint64_t failed_ = 0;
    std::array<std::uint64_t, causes> by_cause_{};
    std::chrono::nanoseconds longest_{};
    histogram latencies_;
    timeline over_time_;
};

}  // namespace tool
