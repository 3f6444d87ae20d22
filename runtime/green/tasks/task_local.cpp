#include <green/tasks/task_local.hpp>

#include <green/core/errors.hpp>
#include <green/core/scheduler.hpp>

#include <algorithm>
#include <atomic>

namespace green::detail {
namespace {

auto find_in(auto& entries, std::uint64_t key) noexcept {
    return std::find_if(entries.begin(), entries.end(), [key](const local_values::entry& e) {
        return e.key == key;
    });
}

}  // namespace

std::uint64_t next_local_key() noexcept {
    static std::atomic<std::uint64_t> keys{0};
    return keys.fetch_add(1, std::memory_order_relaxed);
}

const void* find_local(std::uint64_t key) noexcept {
    const scheduler* const s = scheduler::current();
    const green_task* const t = s ? s->running() : nullptr;
    const local_values* const values = t ? t->locals() : nullptr;
    if (!values) return nullptr;
    auto const found = find_in(values->entries, key);
    return found == values->entries.end() ? nullptr : found->value.get();
}

green_task& require_local_owner() {
    green_task* const t = scheduler::require("task_local::set").running();
    if (!t) throw_logic_error("green: task_local::set: no green task runs here");
    return *t;
}

std::shared_ptr<const void> exchange_local(
    green_task& t, std::uint64_t key, std::shared_ptr<const void> value
) {
    std::shared_ptr<local_values>& values = t.own_locals();
    if (!values) {
        values = std::make_shared<local_values>();
    } else if (values.use_count() > 1) {
        values = std::make_shared<local_values>(*values);
    }
    auto& entries = values->entries;
    auto const found = find_in(entries, key);
    if (found == entries.end()) {
        if (value) entries.push_back({key, std::move(value)});
        return nullptr;
    }
    std::swap(found->value, value);
    if (!found->value) entries.erase(found);
    return value;
}

local_restorer::~local_restorer() {
    if (task_->ended()) return;
    try {
        exchange_local(*task_, key_, std::move(previous_));
    } catch (...) {  // out of memory for a copy of the values: the task keeps the present one
    }
}

}  // namespace green::detail
