#include <green/dns/lookup_trace.hpp>

#include <cstddef>

namespace green {
namespace {

/// Whether a later step stands beside this one or a part of the same.
bool has_sibling(const std::vector<trace_step>& steps, std::size_t i, unsigned depth) {
    for (std::size_t j = i + 1; j < steps.size() && steps[j].depth >= depth; ++j) {
        if (steps[j].depth == depth) return true;
    }
    return false;
}

}  // namespace

std::string lookup_trace::to_string() const {
    std::string lines = host;
    for (std::size_t i = 0; i < steps.size(); ++i) {
        lines += '\n';
        for (unsigned depth = 0; depth < steps[i].depth; ++depth)
            lines += has_sibling(steps, i, depth) ? "│  " : "   ";
        lines += has_sibling(steps, i, steps[i].depth) ? "├─ " : "└─ ";
        lines += steps[i].text;
    }
    return lines;
}

}  // namespace green
