#include <green/dns/detail/trace_writer.hpp>

#include <green/loop/loop_core.hpp>

#include <cstdio>
#include <utility>

namespace green::detail {
namespace {

std::string counted(std::size_t n, const char* one) {
    return std::to_string(n) + ' ' + one + (n == 1 ? "" : n == 0 || *one != 'a' ? "s" : "es");
}

/// What an answer says.
std::string said(const dns_answer& answer) {
    if (answer.error) return std::string(to_string(*answer.error));
    std::string text = answer.has_packet() ? "records"
                                           : counted(answer.addresses().size(), "address");
    if (answer.ttl) text += ", ttl " + std::to_string(*answer.ttl) + " s";
    return text;
}

}  // namespace

std::string printable_time(std::chrono::nanoseconds time) {
    double const ns = static_cast<double>(time.count());
    char text[32];
    if (ns < 1e6)
        std::snprintf(text, sizeof text, "%.0f us", ns / 1e3);
    else if (ns < 1e9)
        std::snprintf(text, sizeof text, "%.1f ms", ns / 1e6);
    else
        std::snprintf(text, sizeof text, "%.3f s", ns / 1e9);
    return text;
}

void trace_writer::name(std::string_view text) {
    add(trace_step::kind::name, 0, "an ordinary name: " + std::string(text));
}

void trace_writer::files(std::string_view name, bool known) {
    std::string text = "hosts file: ";
    text += known ? "has " : "does not have ";
    text += name;
    add(trace_step::kind::files, 0, std::move(text));
}

void trace_writer::candidate(std::string_view name) {
    add(trace_step::kind::candidate, 0, "name to ask for: " + std::string(name));
}

void trace_writer::cache(record_type type, const lookup_cache::found& known) {
    std::string text = to_string(type) + ": ";
    if (!known.answer) {
        text += "not in the cache";
    } else {
        text += "in the cache, " + said(*known.answer);
        text += ", " + std::to_string(known.age.count()) + " s old, ";
        text += known.left.count() == 0 ? "stale" : printable_time(known.left) + " left";
    }
    add(trace_step::kind::cache, 1, std::move(text));
}

void trace_writer::asked(const question& q, const resolver_config& config) {
    std::string text = to_string(q.key().type()) + ": ";
    text += q.done() ? said(q.result()) : "not waited for any longer";
    add(trace_step::kind::query, 1, std::move(text));
    std::vector<question_try> const tries = q.tries();
    for (std::size_t i = 0; i < tries.size(); ++i) {
        question_try const& t = tries[i];
        bool const under_way = !q.done() && i + 1 == tries.size();
        std::string line = "try " + std::to_string(i + 1) + " at ";
        line += config.servers[t.server].to_string() + ": ";
        if (under_way)
            line += q.queued() ? "waits for its turn" : "no answer yet";
        else
            line += t.error ? to_string(*t.error) : "answered";
        add(trace_step::kind::attempt, 2, line + ", " + printable_time(t.took));
    }
}

void trace_writer::found(const std::vector<address>& addresses) {
    std::string text;
    for (const address& a : addresses) text += (text.empty() ? "" : ", ") + a.ip();
    trace_.answered = true;
    end(std::move(text));
}

void trace_writer::failed(std::string_view what) { end(std::string(what)); }

void trace_writer::end(std::string text) {
    trace_.took = loop_core::current()->now() - start_;
    add(trace_step::kind::result, 0, std::move(text) + " after " + printable_time(trace_.took));
}

void trace_writer::add(trace_step::kind what, unsigned depth, std::string text) {
    trace_.steps.push_back({what, depth, loop_core::current()->now() - start_, std::move(text)});
}

}  // namespace green::detail
