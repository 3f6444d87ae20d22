#pragma once

#include <algorithm>
#include <cstdint>

namespace green::detail {

/// How many queries may be in flight at one server, by the rule of TCP's congestion control (RFC
/// 5681): it starts where any server can follow, doubles with each round of answers until something
/// is lost and grows by one a round from then on. It halves when more than a tenth of a round is lost,
/// once for all that was in flight then. A single loss says nothing: a name whose own servers are dead
/// times out however slowly it is asked for.
class wire_window {
public:
    static constexpr unsigned first = 100;
    static constexpr unsigned least = 8;
    static constexpr unsigned largest = 1000;  // c-ares 1.18.1 fails on TCP above 1024 (writev)

    explicit wire_window(unsigned most) noexcept
        : asked_(std::clamp(most, 1U, largest)), most_(asked_), size_(std::min(asked_, first)) {}

    unsigned size() const noexcept { return size_; }

    /// The socket's buffer holds so many answers.
    void fit(unsigned answers) noexcept {
        most_ = std::min(asked_, std::max(answers, 1U));
        size_ = std::min(size_, most_);
    }

    /// The number of the query that is sent now.
    std::uint64_t sent() noexcept { return ++sent_; }

    void answered() noexcept {
        if (unharmed_ && size_ < most_) ++size_;
        if (++answered_ < size_) return;
        if (!unharmed_ && size_ < most_) ++size_;
        answered_ = lost_ = 0;
    }

    void lost(std::uint64_t number) noexcept {
        if (number <= halved_at_ || ++lost_ * 10 <= size_) return;
        size_ = std::max(size_ / 2, std::min(least, most_));
        unharmed_ = false;
        halved_at_ = sent_;
        answered_ = lost_ = 0;
    }

private:
    const unsigned asked_;
    unsigned most_;
    unsigned size_;
    unsigned answered_ = 0;  // in this round
    unsigned lost_ = 0;
    bool unharmed_ = true;
    std::uint64_t sent_ = 0;
    std::uint64_t halved_at_ = 0;
};

}  // namespace green::detail
