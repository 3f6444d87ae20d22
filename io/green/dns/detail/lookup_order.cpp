#include <green/dns/detail/lookup_order.hpp>

#include <green/dns/detail/name.hpp>

#include <algorithm>
#include <optional>
#include <string>

namespace green::detail {

namespace {

void skip_blanks(std::string_view& text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
}

/// Takes what stands before the next blank or one of `ends` off `text`.
std::string_view take_word(std::string_view& text, std::string_view ends) {
    skip_blanks(text);
    const auto is_end = [ends](char c) { return is_blank(c) || ends.find(c) != ends.npos; };
    const auto size =
        static_cast<std::size_t>(std::find_if(text.begin(), text.end(), is_end) - text.begin());
    const auto word = text.substr(0, size);
    text.remove_prefix(size);
    return word;
}

std::optional<name_source> source_of(std::string_view service) {
    if (service == "files") return name_source::files;
    if (service == "dns") return name_source::dns;
    return std::nullopt;
}

/// `!NOTFOUND=return`: what it says for the two statuses that matter here.
bool apply_rule(lookup_step& step, std::string_view rule) {
    const auto equals = rule.find('=');
    if (equals == rule.npos) return false;
    auto left = rule.substr(0, equals);
    const bool all_but = left.starts_with('!');
    if (all_but) left.remove_prefix(1);
    const auto status = lower_case(left);
    const auto action = lower_case(rule.substr(equals + 1));
    if (action != "return" && action != "continue" && action != "merge") return false;

    const bool go_on = action == "continue";
    // TRYAGAIN and UNAVAIL are one here: a server that fails now, or that is not there.
    const bool failed = status == "unavail" || status == "tryagain";
    if (!failed && status != "notfound" && status != "success") return false;
    if ((status == "notfound") != all_but) step.go_on_if_not_found = go_on;
    if (failed != all_but) step.go_on_if_failed = go_on;
    return true;
}

/// Reads `[A=b C=d]` from behind its bracket; false on an error.
bool read_rules(std::string_view& text, lookup_step& step) {
    for (;;) {
        const auto rule = take_word(text, "]");
        if (!rule.empty() && !apply_rule(step, rule)) return false;
        skip_blanks(text);
        if (text.empty()) return false;
        if (text.front() == ']') {
            text.remove_prefix(1);
            return true;
        }
    }
}

/// The services of one `hosts:` line.
lookup_order read_services(std::string_view line) {
    lookup_order order;
    lookup_step skipped;
    lookup_step* last = nullptr;
    for (;;) {
        skip_blanks(line);
        if (line.empty()) return order;
        if (line.front() == '[') {
            line.remove_prefix(1);
            if (!last || !read_rules(line, *last)) return order;
            continue;
        }
        const auto source = source_of(take_word(line, "["));
        const bool again = std::any_of(order.begin(), order.end(), [&](const lookup_step& s) {
            return s.source == source;
        });
        last = &skipped;
        if (source && !again) last = &order.emplace_back(lookup_step{*source, true, true});
    }
}

}  // namespace

lookup_order parse_lookup_order(std::string_view nsswitch) {
    lookup_order order;
    while (!nsswitch.empty()) {
        auto line = nsswitch.substr(0, nsswitch.find('\n'));
        nsswitch.remove_prefix(std::min(line.size() + 1, nsswitch.size()));
        line = line.substr(0, line.find('#'));
        if (lower_case(take_word(line, ":")) != "hosts") continue;
        skip_blanks(line);
        if (!line.starts_with(':')) continue;
        line.remove_prefix(1);
        order = read_services(line);
    }
    if (order.empty()) order = {{name_source::files, true, true}, {name_source::dns, true, true}};
    return order;
}

}  // namespace green::detail
