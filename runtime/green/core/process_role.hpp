#pragma once

// Internal: what a process was started for. A program whose executor needs processes starts itself
// again with a role in its environment; `run` and `process_worker_main` ask here, before they do
// anything else, whether this process is such a one. The executor's room registers what it then does,
// so that the loop needs to know nothing of executors.

namespace green::detail {

/// `role:descriptor:parent's pid`, set by the parent, taken away by `enter_process_role`.
inline constexpr char process_role_variable[] = "GREEN_PROCESS_ROLE";

/// Plays the role and ends the process. Returns if the text is not one of its roles.
using process_role_entry = void (*)(const char* role);

/// At static initialisation.
void set_process_role_entry(process_role_entry entry) noexcept;

/// Does not return in a process that was started for a role. The environment is looked at by the
/// first call only.
void enter_process_role();

/// The role is still in the environment: this process was started for it, and nobody has asked.
bool has_unplayed_process_role() noexcept;

}  // namespace green::detail
