#include <green/loop/task_dump.hpp>

#include <green/core/errors.hpp>
#include <green/core/promise.hpp>

#include <string_view>

namespace green::detail {
namespace {

std::string_view state_word(const green_task& t) {
    switch (t.state()) {
    case task_state::created: return "not started";
    case task_state::ready: return "ready";
    case task_state::running: return "running";
    case task_state::suspended: return "waits for";
    case task_state::unwinding: return "being cancelled";
    case task_state::ended: return "ended";
    }
    return "?";
}

void append_task(std::string& out, const green_task& t, int depth);

void append_children(std::string& out, const nursery& n, int depth) {
    auto const& children = n.children();
    for (green_task* c = children.front(); c; c = children.after(*c)) append_task(out, *c, depth);
}

void append_task(std::string& out, const green_task& t, int depth) {
    std::string const indent(static_cast<std::size_t>(depth) * 2, ' ');
    out += indent + t.label() + " ";
    out += state_word(t);
    if (t.state() == task_state::suspended && t.waiting_on()) {
        out += " ";
        t.waiting_on()->describe(out);
    }
    if (t.cancel_requested()) out += t.shielded() ? " (cancelled, shielded)" : " (cancelled)";
    out += "\n";
    if (t.state() == task_state::created) {
        out += indent + "    spawned at " + describe(t.spawned_at()) + "\n";
    }
    if (t.state() == task_state::suspended || t.state() == task_state::ready) {
        for (const promise_base* p = t.frame(); p; p = p->parent()) {
            out += indent + "    at " + describe(p->awaiting()) + "\n";
        }
    }
    if (t.waiting_on()) {
        if (const nursery* scope = dynamic_cast<const nursery*>(t.waiting_on())) {
            append_children(out, *scope, depth + 1);
        }
    }
}

}  // namespace

std::string describe(const std::source_location& where) {
    std::string text = where.file_name();
    text += ":" + std::to_string(where.line()) + " in ";
    text += where.function_name();
    return text;
}

std::string dump_tasks(const nursery& root) {
    std::string out;
    append_children(out, root, 1);
    return out;
}

std::string failure_report(const green_task& t) {
    std::string text = "green: task " + t.label() +
        " failed and nobody looked at it: " + describe(t.error()) + "\n  spawned at " +
        describe(t.spawned_at()) + "\n";
    if (const failure_trace* trace = t.failure()) {
        for (const auto& frame : trace->frames) text += "  at " + describe(frame) + "\n";
    }
    return text;
}

}  // namespace green::detail
