#include <green/debug/tasks.hpp>

#include <green/core/json.hpp>
#include <green/loop/loop_core.hpp>
#include <green/loop/task_dump.hpp>

namespace green {
namespace {

using detail::append_json;

class json_object {
public:
    explicit json_object(std::string& out) : out_(out) { out_ += '{'; }
    json_object(const json_object&) = delete;
    json_object& operator=(const json_object&) = delete;
    ~json_object() { out_ += '}'; }

    std::string& key(std::string_view name) {
        if (!first_) out_ += ',';
        first_ = false;
        append_json(out_, name);
        out_ += ':';
        return out_;
    }
    void add(std::string_view name, std::string_view text) { append_json(key(name), text); }
    void add(std::string_view name, std::int64_t n) { key(name) += std::to_string(n); }
    void add(std::string_view name, task_id id) { add(name, static_cast<std::int64_t>(id)); }
    void add_flag(std::string_view name, bool flag) { key(name) += flag ? "true" : "false"; }

private:
    std::string& out_;
    bool first_ = true;
};

/// `[a,b]`, each written by `write`.
template <class Range, class F>
void append_array(std::string& out, const Range& range, F write) {
    out += '[';
    bool first = true;
    for (const auto& element : range) {
        if (!first) out += ',';
        first = false;
        write(element);
    }
    out += ']';
}

void append_place(std::string& out, const std::source_location& where) {
    if (where.line() == 0) {
        out += "null";
        return;
    }
    json_object place(out);
    place.add("file", where.file_name());
    place.add("line", where.line());
    place.add("function", detail::short_function(where.function_name()));
}

std::string_view state_name(task_state s) noexcept {
    switch (s) {
    case task_state::created: return "created";
    case task_state::ready: return "ready";
    case task_state::running: return "running";
    case task_state::suspended: return "suspended";
    case task_state::unwinding: return "unwinding";
    case task_state::ended: return "ended";
    }
    return "";
}

void append_task(std::string& out, const task_info& t) {
    json_object task(out);
    task.add("id", t.id);
    task.add("parent", t.parent);
    task.add("name", t.name);
    task.add("state", state_name(t.state));
    task.add("age_ns", t.age.count());
    append_place(task.key("spawned_at"), t.spawned_at);
    append_array(task.key("stack"), t.stack, [&](const auto& where) { append_place(out, where); });
    task.add("waits_for", t.waits_for);
    task.add("blocked_by", t.blocked_by);
    task.add_flag("cancel_requested", t.cancel_requested);
    task.add_flag("shielded", t.shielded);
    task.add("cancel_reason", t.cancel_reason);
    append_place(task.key("cancelled_at"), t.cancelled_at);
}

std::string to_json(const std::vector<task_info>& tasks) {
    std::string out;
    {
        json_object dump(out);
        append_array(dump.key("tasks"), tasks, [&](const task_info& t) { append_task(out, t); });
        append_array(dump.key("cycles"), detail::wait_cycles(tasks), [&](const auto& cycle) {
            append_array(out, cycle, [&](const task_info* t) {
                out += std::to_string(static_cast<std::uint64_t>(t->id));
            });
        });
    }
    return out;
}

}  // namespace

std::vector<task_info> all_tasks() {
    return detail::snapshot(detail::loop_core::require("all_tasks").root());
}

std::string dump_tasks(dump_format format) {
    auto const tasks = detail::snapshot(detail::loop_core::require("dump_tasks").root());
    return format == dump_format::json ? to_json(tasks) : detail::to_text(tasks);
}

}  // namespace green
