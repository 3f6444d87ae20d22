#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <string>
#include <utility>

#include <unistd.h>

/// A line on the terminal that says how much of a long piece of work is done, and how long the rest
/// will take if it goes on like that. It is drawn on stderr, twenty times a second at most, and erased
/// at the end. Nothing is written if stderr is no terminal. Of one thread.
///
///     progress_bar bar("counting", slices);
///     while (auto n = co_await counts.next()) bar.advance();
class progress_bar {
public:
    progress_bar(std::string label, std::size_t total)
        : label_(std::move(label)), total_(std::max<std::size_t>(total, 1)) {
        if (visible_) draw(start_);
    }
    ~progress_bar() {
        if (visible_) std::fputs("\r\033[K", stderr);
    }
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;

    void advance(std::size_t n = 1) {
        done_ = std::min(done_ + n, total_);
        if (!visible_) return;
        auto const now = clock::now();
        if (done_ == total_ || now - drawn_ >= std::chrono::milliseconds(50)) draw(now);
    }

private:
    using clock = std::chrono::steady_clock;

    void draw(clock::time_point now) {
        constexpr std::size_t width = 40;
        drawn_ = now;
        double const part = static_cast<double>(done_) / static_cast<double>(total_);
        std::string cells(width * done_ / total_, '#');
        cells.resize(width, '.');
        std::string line = "\r" + label_ + " [" + cells + "] " +
            std::to_string(100 * done_ / total_) + " %";
        if (done_ > 0) {
            std::chrono::duration<double> const left = (now - start_) * (1 / part - 1);
            line += ", " + std::to_string(static_cast<long>(left.count() + 0.5)) + " s left";
        }
        std::fputs((line + "\033[K").c_str(), stderr);
    }

    std::string label_;
    std::size_t total_;
    std::size_t done_ = 0;
    bool visible_ = isatty(STDERR_FILENO) != 0;
    clock::time_point start_ = clock::now();
    clock::time_point drawn_;
};
