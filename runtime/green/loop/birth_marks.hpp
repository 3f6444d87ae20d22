#pragma once

#include <green/core/time.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace green::detail {

/// When the green tasks of a run were made, although none of them remembers: their numbers rise, so it
/// is enough to note now and then which number comes next.
///
///     next number    1      8             31        32
///     noted at       0 ms   1 ms          40 ms     41 ms
///                           └ #12 was made soon after 1 ms
///
/// A task's birth is known to `resolution`; for old ones to a 64th of their age, so that a run of years
/// needs a few hundred marks.
class birth_marks {
public:
    static constexpr std::chrono::milliseconds resolution{1};

    /// `next` is the number of the task that will be made next. To be called before tasks are made
    /// at a new time; cheap when none was made since the last call.
    void note(std::uint64_t next, clock::time_point now) {
        if (marks_.empty()) {
            marks_.push_back({next, now});
        } else if (marks_.back().next == next) {
            marks_.back().at = now;
        } else if (now - marks_.back().at >= resolution) {
            push(next, now);
        }
    }

    /// When the task with this number was made, at the earliest.
    clock::time_point born(std::uint64_t id) const noexcept;

    std::size_t size() const noexcept { return marks_.size(); }
    void clear() noexcept { marks_.clear(); }

private:
    struct mark {
        std::uint64_t next;
        clock::time_point at;
    };
    static constexpr std::size_t most = 2048;

    void push(std::uint64_t next, clock::time_point now);

    std::vector<mark> marks_;
};

}  // namespace green::detail
