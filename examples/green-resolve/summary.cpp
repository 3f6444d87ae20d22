#include "summary.hpp"

#include "text.hpp"

#include <algorithm>

namespace tool {
namespace {

double rate(std::uint64_t names, std::chrono::nanoseconds elapsed) noexcept {
    double const seconds = std::max(milliseconds(elapsed) / 1000, 1e-6);
    return static_cast<double>(names) / seconds;
}

std::string line_of(std::string_view label, std::uint64_t count, std::uint64_t all) {
    double const percent = 100 * static_cast<double>(count) /
        static_cast<double>(std::max<std::uint64_t>(all, 1));
    std::string line = "  ";
    line += label;
    line.resize(14, ' ');
    line += formatted("%10.0f", static_cast<double>(count)) + formatted("%8.2f %%", percent);
    return line;
}

std::string latency_line(const statistics& r) {
    return "  latency         p50 " + duration_text(r.latencies().percentile(0.5)) + ", p90 " +
        duration_text(r.latencies().percentile(0.9)) + ", p99 " +
        duration_text(r.latencies().percentile(0.99)) + ", longest " + duration_text(r.longest()) +
        "\n";
}

}  // namespace

std::string causes_text(const statistics& results) {
    std::string text;
    for (std::size_t i = 0; i < statistics::causes; ++i) {
        auto const cause = static_cast<green::dns_errc>(i);
        if (results.failed(cause) == 0) continue;
        if (!text.empty()) text += ", ";
        text += green::to_string(cause);
        text += ' ' + std::to_string(results.failed(cause));
    }
    return text;
}

std::string summary_text(const run_facts& facts) {
    const statistics& r = facts.results;
    std::string text = std::to_string(r.done()) + (r.done() == 1 ? " name in " : " names in ") +
        duration_text(facts.elapsed) + ", " + formatted("%.0f", rate(r.done(), facts.elapsed)) +
        " names/s\n";
    text += line_of("answered", r.answered(), r.done()) + "\n";
    text += line_of("not found", r.not_found(), r.done()) + "\n";
    text += line_of("failed", r.failed(), r.done());
    if (r.failed() != 0) text += "  " + causes_text(r);
    text += "\n";
    if (r.latencies().total() != 0) text += latency_line(r);
    text += "  questions " + formatted("%14.0f", static_cast<double>(facts.resolver.sent)) +
        " sent, " + std::to_string(facts.resolver.timed_out) + " without an answer in time\n";
    if (facts.not_done != 0) {
        text += "interrupted: " + std::to_string(facts.not_done) + " begun and not done\n";
    }
    return text;
}

std::string progress_text(const statistics& so_far, std::chrono::nanoseconds elapsed) {
    std::string line = std::to_string(so_far.done()) + " names, " +
        formatted("%.0f", rate(so_far.done(), elapsed)) + "/s, " +
        std::to_string(so_far.not_found()) + " not found, " + std::to_string(so_far.failed()) +
        " failed";
    if (so_far.failed() != 0) line += " (" + causes_text(so_far) + ")";
    return line;
}

}  // namespace tool
