#pragma once

#include <green/core/leaf.hpp>
#include <green/core/time.hpp>
#include <green/dns/detail/question.hpp>
#include <green/loop/timer_queue.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <string>
#include <utility>

namespace green::detail {

/// A lookup's wait for its questions: one, or one per address family. It ends when
///
///   - all of them are done;
///   - one has an answer, and the other had `patience` to get one as well;
///   - the lookup's deadline is over.
///
/// Answers win a tie with a limit. A cancelled wait leaves the questions to who else wants them.
class question_wait final : public leaf, private timer {
public:
    static constexpr std::size_t most = 2;

    question_wait() = default;

    /// The deadline of the whole lookup; `time_point::max()` is none.
    void set_limits(clock::time_point deadline, std::chrono::nanoseconds patience) noexcept {
        deadline_ = deadline;
        patience_ = patience;
    }
    /// There is an answer already: the others have `patience` from now on.
    void hurry(clock::time_point now) noexcept {
        deadline_ = std::min(deadline_, saturating_add(now, patience_));
    }
    void add(question_ref q) noexcept { questions_[count_++] = std::move(q); }
    /// Forgets the questions.
    void clear() noexcept;

    std::size_t size() const noexcept { return count_; }
    const question& operator[](std::size_t i) const noexcept { return *questions_[i]; }

    bool ready() const noexcept;
    void start() noexcept;
    void result() const noexcept {}
    bool cancel() noexcept override;
    void describe(std::string& out) const override;

private:
    friend question_seat;
    void answered() noexcept;
    void expired() noexcept override { end(); }
    void limit(clock::time_point when) noexcept;
    void leave() noexcept;
    void end() noexcept;

    std::uint32_t count_ = 0;  // first: it fits behind the timer's members
    std::array<question_ref, most> questions_;
    std::array<question_seat, most> seats_;
    clock::time_point deadline_ = clock::time_point::max();
    std::chrono::nanoseconds patience_{0};
};

}  // namespace green::detail
