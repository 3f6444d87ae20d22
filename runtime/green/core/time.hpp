#pragma once

#include <green/core/config.hpp>

#include <chrono>
#include <concepts>
#include <type_traits>

namespace green {

/// The clock of the loop that runs on this thread: monotonic and real, or virtual
/// (`run_options::virtual_time`). Outside a loop it is the machine's monotonic clock.
struct clock {
    using duration = std::chrono::nanoseconds;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::time_point<clock>;
    static constexpr bool is_steady = true;

    static time_point now() noexcept;
};

/// The loop's current time. Same as `clock::now()`.
inline clock::time_point now() noexcept { return clock::now(); }

/// No limit: as a timeout it never fires.
inline constexpr std::chrono::nanoseconds forever = std::chrono::nanoseconds::max();

namespace detail {

template <class D>
concept any_duration = requires {
    typename D::rep;
    typename D::period;
} && std::same_as<D, std::chrono::duration<typename D::rep, typename D::period>>;

/// Any duration in nanoseconds, rounded up (a wait is never early) and saturating, so that
/// `std::chrono::years(1000)` is "very long" and not a negative number.
template <class Rep, class Period>
constexpr std::chrono::nanoseconds to_nanoseconds(std::chrono::duration<Rep, Period> d) noexcept {
    using std::chrono::nanoseconds;
    if constexpr (std::floating_point<Rep>) {
        long double const ns = static_cast<long double>(d.count()) * Period::num *
            1'000'000'000.0L / Period::den;
        if (!(ns < 9.2e18L)) return nanoseconds::max();  // also infinity and NaN
        if (ns <= -9.2e18L) return nanoseconds::min();
        auto const whole = static_cast<nanoseconds::rep>(ns);
        return nanoseconds{static_cast<long double>(whole) < ns ? whole + 1 : whole};
    } else {
        __extension__ using wide = __int128;
        wide const scaled = static_cast<wide>(d.count()) * Period::num * 1'000'000'000;
        wide const ns = scaled > 0 ? (scaled + (Period::den - 1)) / Period::den
                                   : scaled / Period::den;
        if (ns >= nanoseconds::max().count()) return nanoseconds::max();
        if (ns <= nanoseconds::min().count()) return nanoseconds::min();
        return nanoseconds{static_cast<nanoseconds::rep>(ns)};
    }
}

/// `start + d`, at least `start`, saturating: `forever` from now is `time_point::max()`, which
/// never comes.
constexpr clock::time_point saturating_add(
    clock::time_point start, std::chrono::nanoseconds d
) noexcept {
    if (d.count() <= 0) return start;
    if (d > clock::time_point::max() - start) return clock::time_point::max();
    return start + d;
}

}  // namespace detail
}  // namespace green
