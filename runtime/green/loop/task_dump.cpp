#include <green/loop/task_dump.hpp>

#include <green/core/errors.hpp>
#include <green/core/promise.hpp>
#include <green/loop/loop_core.hpp>

#include <algorithm>
#include <unordered_map>

namespace green::detail {
namespace {

/// The scope in which the task waits for its children, if it does.
const nursery* scope_of(const green_task& t) {
    return t.waiting_on() ? dynamic_cast<const nursery*>(t.waiting_on()) : nullptr;
}

task_info info_of(const green_task& t, task_id parent) {
    task_info i;
    i.id = t.id();
    i.parent = parent;
    i.name = t.name();
    i.state = t.state();
    i.spawned_at = t.spawned_at();
    bool const has_place = i.state == task_state::ready || i.state == task_state::running ||
        i.state == task_state::suspended;
    if (has_place) {
        for (const promise_base* p = t.frame(); p; p = p->parent())
            i.stack.push_back(p->awaiting());
    }
    if (const leaf* l = t.waiting_on()) {
        l->describe(i.waits_for);
        if (const green_task* other = l->blocked_by()) i.blocked_by = other->id();
    }
    i.cancel_requested = t.cancel_requested();
    i.shielded = t.shielded();
    if (const cancel_request* why = t.cancel_reason()) {
        i.cancel_reason = why->reason;
        i.cancelled_at = why->where;
    }
    return i;
}

}  // namespace

std::vector<task_info> snapshot(const nursery& root) {
    const loop_core* const core = loop_core::current();
    bool const known = core && &static_cast<const nursery&>(core->root()) == &root;
    struct level {
        const nursery* tasks;
        const green_task* next;
        task_id parent;
    };
    std::vector<task_info> all;
    std::vector<level> levels{{&root, root.children().front(), task_id::none}};
    while (!levels.empty()) {
        level& l = levels.back();
        if (!l.next) {
            levels.pop_back();
            continue;
        }
        const green_task& t = *l.next;
        l.next = l.tasks->children().after(t);
        all.push_back(info_of(t, l.parent));
        if (known) all.back().age = core->now() - core->born(t.id());
        if (const nursery* below = scope_of(t)) {
            levels.push_back({below, below->children().front(), t.id()});
        }
    }
    return all;
}

std::string label(task_id id, std::string_view name) {
    std::string text = "#" + std::to_string(static_cast<std::uint64_t>(id));
    if (!name.empty()) text.append(" '").append(name).append("'");
    return text;
}

std::string_view state_word(task_state s) noexcept {
    switch (s) {
    case task_state::created: return "not started";
    case task_state::ready: return "ready";
    case task_state::running: return "running";
    case task_state::suspended: return "waits for";
    case task_state::unwinding: return "being cancelled";
    case task_state::ended: return "ended";
    }
    return "?";
}

// A depth-first search; an edge to a task that is being visited closes a cycle, which is what is on the
// stack from that task on.
std::vector<wait_cycle> wait_cycles(const std::vector<task_info>& tasks) {
    std::unordered_map<task_id, std::size_t> index;
    index.reserve(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) index.emplace(tasks[i].id, i);

    // A scope waits for all of its children.
    std::vector<std::vector<std::size_t>> waits_for(tasks.size());
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        if (auto const p = index.find(tasks[i].parent); p != index.end()) {
            waits_for[p->second].push_back(i);
        }
        if (auto const b = index.find(tasks[i].blocked_by); b != index.end()) {
            waits_for[i].push_back(b->second);
        }
    }

    enum class mark : unsigned char { unseen, on_path, done };
    std::vector<mark> marks(tasks.size(), mark::unseen);
    struct visit {
        std::size_t task;
        std::size_t edge;
    };
    std::vector<visit> path;
    std::vector<wait_cycle> cycles;
    for (std::size_t start = 0; start < tasks.size(); ++start) {
        if (marks[start] != mark::unseen) continue;
        path.push_back({start, 0});
        marks[start] = mark::on_path;
        while (!path.empty()) {
            visit& v = path.back();
            if (v.edge == waits_for[v.task].size()) {
                marks[v.task] = mark::done;
                path.pop_back();
                continue;
            }
            std::size_t const next = waits_for[v.task][v.edge++];
            if (marks[next] == mark::unseen) {
                marks[next] = mark::on_path;
                path.push_back({next, 0});
            } else if (marks[next] == mark::on_path) {
                auto at = std::find_if(path.begin(), path.end(), [&](const visit& w) {
                    return w.task == next;
                });
                wait_cycle cycle;
                for (; at != path.end(); ++at) cycle.push_back(&tasks[at->task]);
                cycles.push_back(std::move(cycle));
            }
        }
    }
    return cycles;
}

namespace {

void append_task(std::string& out, const task_info& t, std::size_t depth) {
    std::string const indent(depth * 2, ' ');
    std::string const below = "\n" + indent + "    ";
    out += indent + label(t.id, t.name) + " ";
    out += state_word(t.state);
    if (t.state == task_state::suspended) out += " " + t.waits_for;
    if (t.cancel_requested) out += t.shielded ? " (cancelled, shielded)" : " (cancelled)";
    bool first = t.state == task_state::running;
    for (const auto& where : t.stack) {
        out += below + (std::exchange(first, false) ? "after " : "at ") + describe(where);
    }
    if (t.spawned_at.line() != 0) {
        out += below + "spawned ";
        if (t.age.count() > 0) out += describe(t.age) + " ago ";
        out += "at " + describe(t.spawned_at);
    }
    if (t.cancel_requested && t.cancelled_at.line() != 0) {
        out += below + "cancelled";
        if (!t.cancel_reason.empty()) out += " (" + t.cancel_reason + ")";
        out += " at " + describe(t.cancelled_at);
    }
    out += "\n";
}

}  // namespace

std::string to_text(const std::vector<task_info>& tasks) {
    std::string out;
    std::vector<task_id> path;  // from the root to the parent of the present task
    for (const task_info& t : tasks) {
        while (!path.empty() && path.back() != t.parent) path.pop_back();
        append_task(out, t, path.size() + 1);
        path.push_back(t.id);
    }
    for (const wait_cycle& cycle : wait_cycles(tasks)) {
        out += "  cycle of waiting: ";
        for (const task_info* t : cycle) out += label(t->id, t->name) + " -> ";
        out += label(cycle.front()->id, cycle.front()->name) + "\n";
    }
    return out;
}

std::string dump_tasks(const nursery& root) { return to_text(snapshot(root)); }

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
