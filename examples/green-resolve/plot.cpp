#include "plot.hpp"

#include "text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace tool {
namespace {

using std::chrono::nanoseconds;

/// Where a panel is on the page.
struct panel {
    double left, top, right, bottom;
};
constexpr panel above{78, 84, 836, 340};
constexpr panel below{78, 440, 836, 572};

constexpr std::string_view style = R"(
    text { font: 13px system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; fill: #24292f }
    .page { fill: #ffffff; stroke: #d0d7de }
    .title { font-size: 15px; font-weight: 600 }
    .soft { fill: #57606a; font-size: 11.5px }
    .grid { stroke: #d8dee4 }
    .axis { stroke: #8c959f }
    .dense { fill: #2da44e; shape-rendering: crispEdges }
    .median { stroke: #0a5c2b; stroke-width: 1.6; fill: none }
    .slow { stroke: #bc4c00; stroke-width: 1.4; fill: none; stroke-dasharray: 4 2 }
    .failed { fill: #cf222e }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .page { fill: #0d1117; stroke: #30363d }
      .soft { fill: #9198a1 }
      .grid { stroke: #272d35 }
      .axis { stroke: #6e7681 }
      .dense { fill: #3fb950 }
      .median { stroke: #aff5b4 }
      .slow { stroke: #f0883e }
      .failed { fill: #ff7b72 }
    })";

std::string digits(double n) { return formatted("%.1f", n); }

/// The elements of a picture.
class canvas {
public:
    canvas() {
        out_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"860\" height=\"620\" "
               "viewBox=\"0 0 860 620\" role=\"img\" aria-label=\"Latency of lookups\">\n  <style>";
        out_ += style;
        out_ += "\n  </style>\n";
        out_ +=
            "  <rect class=\"page\" x=\".5\" y=\".5\" width=\"859\" height=\"619\" rx=\"6\"/>\n";
    }
    void rect(std::string_view kind, double x, double y, double w, double h, double opacity = 1) {
        open("rect", kind);
        attribute("x", digits(x));
        attribute("y", digits(y));
        attribute("width", digits(w));
        attribute("height", digits(h));
        if (opacity < 1) attribute("fill-opacity", formatted("%.2f", opacity));
        out_ += "/>\n";
    }
    void line(std::string_view kind, double x1, double y1, double x2, double y2) {
        open("line", kind);
        attribute("x1", digits(x1));
        attribute("y1", digits(y1));
        attribute("x2", digits(x2));
        attribute("y2", digits(y2));
        out_ += "/>\n";
    }
    void path(std::string_view kind, const std::string& d) {
        open("path", kind);
        attribute("d", d);
        out_ += "/>\n";
    }
    void text(
        std::string_view kind,
        double x,
        double y,
        const std::string& words,
        std::string_view anchor = "start"
    ) {
        open("text", kind);
        attribute("x", digits(x));
        attribute("y", digits(y));
        attribute("text-anchor", anchor);
        out_ += '>' + words + "</text>\n";
    }
    std::string finish() { return std::move(out_) + "</svg>\n"; }

private:
    void open(std::string_view element, std::string_view kind) {
        out_ += "  <";
        out_ += element;
        attribute("class", kind);
    }
    void attribute(std::string_view name, std::string_view value) {
        out_ += ' ';
        out_ += name;
        out_ += "=\"";
        out_ += value;
        out_ += '"';
    }
    std::string out_;
};

/// Latencies on a logarithmic axis.
class latency_axis {
public:
    explicit latency_axis(const statistics::histogram& h) {
        std::size_t first = statistics::histogram::classes, last = 0;
        for (std::size_t c = 0; c < statistics::histogram::classes; ++c) {
            if (h.count(c) == 0) continue;
            first = std::min(first, c);
            last = c;
        }
        if (first > last) return;  // nothing was answered: some axis or other
        low_ = log_of(statistics::histogram::lower_end(first)) - 0.08;
        high_ = std::max(log_of(statistics::histogram::lower_end(last + 1)), low_ + 0.4) + 0.08;
    }
    /// 0 at the lower end, 1 at the upper.
    double part(nanoseconds d) const noexcept {
        return std::clamp((log_of(d) - low_) / (high_ - low_), 0.0, 1.0);
    }
    /// 1, 10, 100 …; with 2 and 5 where there is room.
    std::vector<nanoseconds> ticks() const {
        std::vector<nanoseconds> found;
        bool const room = high_ - low_ < 2.5;
        for (int decade = 3; decade <= 14; ++decade) {
            for (int digit : {1, 2, 5}) {
                double const exponent = decade + std::log10(digit);
                if ((digit != 1 && !room) || exponent < low_ || exponent > high_) continue;
                found.emplace_back(std::llround(std::pow(10, exponent)));
            }
        }
        return found;
    }

private:
    static double log_of(nanoseconds d) noexcept {
        return std::log10(std::max<double>(static_cast<double>(d.count()), 1));
    }
    double low_ = 6;  // 1 ms
    double high_ = 9;
};

std::string tick_text(nanoseconds d) {
    double const us = milliseconds(d) * 1000;
    if (us < 999) return formatted("%.0f µs", us);
    if (us < 999e3) return formatted("%.0f ms", us / 1e3);
    return formatted("%.0f s", us / 1e6);
}

/// 1, 2 or 5 times a power of ten, some five of which make `most`.
double step_for(double most) {
    double const rough = std::max(most / 5, 1e-9);
    double const power = std::pow(10, std::floor(std::log10(rough)));
    for (double factor : {1.0, 2.0, 5.0}) {
        if (rough <= factor * power) return factor * power;
    }
    return 10 * power;
}

/// The panel above: time to the right, latency upwards.
class time_panel {
public:
    time_panel(canvas& out, const timeline& data, const latency_axis& axis, nanoseconds elapsed)
        : out_(out),
          data_(data),
          axis_(axis),
          length_(std::max(elapsed, data.width() * static_cast<std::int64_t>(data.columns().size()))
          ) {}

    void draw() {
        draw_axes();
        draw_density();
        draw_percentile("median", 0.5);
        draw_percentile("slow", 0.99);
        draw_failures();
    }

private:
    double x(nanoseconds t) const noexcept {
        double const part = static_cast<double>(t.count()) / static_cast<double>(length_.count());
        return above.left + part * (above.right - above.left);
    }
    double x_of_column(std::size_t i) const noexcept {
        return x(data_.width() * static_cast<std::int64_t>(i));
    }
    double y(nanoseconds latency) const noexcept {
        return above.bottom - axis_.part(latency) * (above.bottom - above.top);
    }

    void draw_axes() {
        for (nanoseconds tick : axis_.ticks()) {
            out_.line("grid", above.left, y(tick), above.right, y(tick));
            out_.text("soft", above.left - 8, y(tick) + 4, tick_text(tick), "end");
        }
        double const seconds = milliseconds(length_) / 1000;
        double const step = step_for(seconds);
        for (int i = 0; i * step <= seconds; ++i) {
            auto const t = nanoseconds(static_cast<std::int64_t>(i * step * 1e9));
            std::string const label = seconds < 1 ? formatted("%g ms", i * step * 1000)
                                                  : formatted("%g s", i * step);
            out_.line("axis", x(t), above.bottom, x(t), above.bottom + 4);
            out_.text("soft", x(t), above.bottom + 34, label, "middle");
        }
        out_.line("axis", above.left, above.bottom, above.right, above.bottom);
    }

    void draw_density() {
        std::uint32_t most = 1;
        for (const timeline::column& column : data_.columns()) {
            for (std::size_t c = 0; c < timeline::histogram::classes; ++c) {
                most = std::max(most, column.latencies.count(c));
            }
        }
        double const scale = std::log1p(most);
        for (std::size_t i = 0; i < data_.columns().size(); ++i) {
            for (std::size_t c = 0; c < timeline::histogram::classes; ++c) {
                std::uint32_t const n = data_.columns()[i].latencies.count(c);
                if (n == 0) continue;
                double const top = y(timeline::histogram::lower_end(c + 1));
                double const bottom = y(timeline::histogram::lower_end(c));
                out_.rect(
                    "dense", x_of_column(i), top, x_of_column(i + 1) - x_of_column(i), bottom - top,
                    0.12 + 0.58 * std::log1p(n) / scale
                );
            }
        }
    }

    void draw_percentile(std::string_view kind, double part) {
        std::string d;
        bool drawing = false;  // no line across a time without answers
        for (std::size_t i = 0; i < data_.columns().size(); ++i) {
            const timeline::histogram& h = data_.columns()[i].latencies;
            if (h.total() != 0) {
                d += drawing ? "L" : "M";
                d += digits(x_of_column(i)) + " " + digits(y(h.percentile(part)));
                d += "H" + digits(x_of_column(i + 1));
            }
            drawing = h.total() != 0;
        }
        if (!d.empty()) out_.path(kind, d);
    }

    /// A strip below the axis.
    void draw_failures() {
        std::uint64_t most = 1;
        for (const timeline::column& column : data_.columns()) {
            most = std::max(most, column.failures);
        }
        for (std::size_t i = 0; i < data_.columns().size(); ++i) {
            std::uint64_t const n = data_.columns()[i].failures;
            if (n == 0) continue;
            double const height = 4 + 10 * static_cast<double>(n) / static_cast<double>(most);
            out_.rect(
                "failed", x_of_column(i), above.bottom + 6,
                std::max(x_of_column(i + 1) - x_of_column(i), 1.5), height
            );
        }
    }

    canvas& out_;
    const timeline& data_;
    const latency_axis& axis_;
    nanoseconds length_;
};

/// The panel below: latency to the right, how many upwards.
class distribution_panel {
public:
    distribution_panel(canvas& out, const statistics::histogram& data, const latency_axis& axis)
        : out_(out), data_(data), axis_(axis) {
        for (std::size_t c = 0; c < statistics::histogram::classes; ++c) {
            bars_[c / merged] += data.count(c);
        }
        most_ = static_cast<double>(std::max<std::uint64_t>(std::ranges::max(bars_), 1));
    }

    void draw() {
        draw_axes();
        for (std::size_t i = 0; i < bars_.size(); ++i) {
            if (bars_[i] == 0) continue;
            double const left = x(statistics::histogram::lower_end(i * merged));
            double const right = x(statistics::histogram::lower_end((i + 1) * merged));
            double const top = y(static_cast<double>(bars_[i]));
            out_.rect("dense", left, top, right - left - 0.5, below.bottom - top);
        }
        draw_mark("median", 0.5);
        draw_mark("slow", 0.99);
    }

private:
    static constexpr std::size_t merged = 8;  // classes to a bar: eight bars from 1 ms to 2 ms

    double x(nanoseconds d) const noexcept {
        return below.left + axis_.part(d) * (below.right - below.left);
    }
    double y(double count) const noexcept {
        return below.bottom - count / (most_ * 1.05) * (below.bottom - below.top);
    }

    void draw_axes() {
        for (nanoseconds tick : axis_.ticks()) {
            out_.line("axis", x(tick), below.bottom, x(tick), below.bottom + 4);
            out_.text("soft", x(tick), below.bottom + 18, tick_text(tick), "middle");
        }
        double const step = std::max(step_for(most_), 1.0);
        for (int i = 0; i * step <= most_; ++i) {
            out_.line("grid", below.left, y(i * step), below.right, y(i * step));
            out_.text("soft", below.left - 8, y(i * step) + 4, formatted("%.0f", i * step), "end");
        }
        out_.line("axis", below.left, below.bottom, below.right, below.bottom);
    }

    void draw_mark(std::string_view kind, double part) {
        if (data_.total() == 0) return;
        double const at = x(data_.percentile(part));
        out_.line(kind, at, below.top - 6, at, below.bottom);
    }

    canvas& out_;
    const statistics::histogram& data_;
    const latency_axis& axis_;
    std::array<std::uint64_t, statistics::histogram::classes / merged> bars_{};
    double most_ = 1;
};

void draw_legend(canvas& out, const statistics& r) {
    double x = above.left;
    auto const item = [&](std::string_view kind, const std::string& words) {
        out.line(kind, x, 64, x + 22, 64);
        out.text("soft", x + 28, 68, words);
        x += 190;
    };
    item("median", "median: " + duration_text(r.latencies().percentile(0.5)));
    item("slow", "99th percentile: " + duration_text(r.latencies().percentile(0.99)));
    out.rect("dense", x, 59, 22, 10, 0.6);
    out.text("soft", x + 28, 68, "how many names");
    x += 150;
    out.rect("failed", x, 59, 22, 10);
    out.text("soft", x + 28, 68, "failed: " + std::to_string(r.failed()));
}

}  // namespace

std::string plot_svg(const statistics& results, nanoseconds elapsed) {
    canvas out;
    latency_axis const axis(results.latencies());
    out.text("title", 16, 28, "Latency of lookups");
    double const seconds = std::max(milliseconds(elapsed) / 1000, 1e-6);
    out.text(
        "soft", 16, 46,
        std::to_string(results.done()) + " names in " + duration_text(elapsed) + ", " +
            formatted("%.0f", static_cast<double>(results.done()) / seconds) +
            " names/s; logarithmic latency"
    );
    draw_legend(out, results);
    time_panel(out, results.over_time(), axis, elapsed).draw();
    out.text(
        "soft", (above.left + above.right) / 2, above.bottom + 52, "time of the run", "middle"
    );
    out.text("title", 16, below.top - 22, "How many names took how long");
    distribution_panel(out, results.latencies(), axis).draw();
    out.text("soft", (below.left + below.right) / 2, below.bottom + 36, "latency", "middle");
    return out.finish();
}

}  // namespace tool
