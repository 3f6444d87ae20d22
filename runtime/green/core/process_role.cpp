#include <green/core/process_role.hpp>

#include <atomic>
#include <cstdlib>
#include <string>

namespace green::detail {
namespace {

constinit std::atomic<process_role_entry> role_entry{nullptr};
constinit std::atomic<bool> role_looked_for{false};

}  // namespace

void set_process_role_entry(process_role_entry entry) noexcept { role_entry = entry; }

void enter_process_role() {
    if (role_looked_for.exchange(true)) return;
    const char* const role = std::getenv(process_role_variable);
    process_role_entry const entry = role_entry;
    if (!role || !entry) return;
    std::string const text = role;
    // Not for the programs that this process may start.
    ::unsetenv(process_role_variable);
    entry(text.c_str());
}

bool has_unplayed_process_role() noexcept { return std::getenv(process_role_variable) != nullptr; }

}  // namespace green::detail
