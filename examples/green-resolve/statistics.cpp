#include "statistics.hpp"

#include <algorithm>
#include <cmath>

namespace tool {
namespace {

using std::chrono::nanoseconds;

constexpr double unit_ns = 1000;  // where the first octave begins

}  // namespace

template <std::size_t PerOctave>
std::size_t latency_histogram<PerOctave>::class_of(nanoseconds d) noexcept {
    double const units = static_cast<double>(d.count()) / unit_ns;
    if (units <= 1) return 0;
    auto const c = static_cast<std::size_t>(std::log2(units) * per_octave);
    return std::min(c, classes - 1);
}

template <std::size_t PerOctave>
nanoseconds latency_histogram<PerOctave>::lower_end(std::size_t c) noexcept {
    double const octave = static_cast<double>(c) / per_octave;
    return nanoseconds(static_cast<std::int64_t>(unit_ns * std::exp2(octave)));
}

template <std::size_t PerOctave>
nanoseconds latency_histogram<PerOctave>::percentile(double part) const noexcept {
    auto const rank = static_cast<std::uint64_t>(std::ceil(part * static_cast<double>(total_)));
    std::uint64_t seen = 0;
    for (std::size_t c = 0; c < classes; ++c) {
        seen += counts_[c];
        if (seen >= rank && seen != 0) return (lower_end(c) + lower_end(c + 1)) / 2;
    }
    return {};
}

template class latency_histogram<4>;
template class latency_histogram<64>;

void timeline::add(nanoseconds when, nanoseconds took, bool failed) {
    auto index = static_cast<std::size_t>(when / width_);
    while (index >= most_columns) {
        halve();
        index /= 2;
    }
    if (index >= columns_.size()) columns_.resize(index + 1);
    if (failed) {
        ++columns_[index].failures;
    } else {
        columns_[index].latencies.add(took);
    }
}

void timeline::halve() {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        column const moved = columns_[i];
        if (i % 2 == 0) {
            columns_[i / 2] = moved;
        } else {
            columns_[i / 2].latencies.merge(moved.latencies);
            columns_[i / 2].failures += moved.failures;
        }
    }
    columns_.resize((columns_.size() + 1) / 2);
    width_ *= 2;
}

void statistics::add(const outcome& o, nanoseconds when) {
    verdict const v = o.judge();
    switch (v) {
    case verdict::answered: ++answered_; break;
    case verdict::not_found: ++not_found_; break;
    case verdict::failed:
        ++failed_;
        ++by_cause_[static_cast<std::size_t>(o.cause())];
        break;
    }
    over_time_.add(when, o.took, v == verdict::failed);
    if (v == verdict::failed) return;  // a limit of time is no latency
    latencies_.add(o.took);
    longest_ = std::max(longest_, o.took);
}

}  // namespace tool
