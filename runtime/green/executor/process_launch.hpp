#pragma once

// Internal: this program, started once more, to serve.

#include <span>
#include <string>
#include <vector>

#include <sys/types.h>

namespace green::detail {

/// Executes /proc/self/exe with `role`; `fds` become its descriptors from first_passed_descriptor on, its
/// stdin is /dev/null, stdout and stderr are ours. The new process's pid, or -1 and errno.
///
/// posix_spawn: its cost does not grow with the memory of this process, as that of fork does.
pid_t launch_role(const char* role, std::span<const int> fds, char* const* environment) noexcept;

/// The environment as it is when this is made: later another thread may be changing it while a process
/// is started.
class environment_copy {
public:
    environment_copy();
    char* const* get() const noexcept { return pointers_.data(); }

private:
    std::vector<std::string> variables_;
    std::vector<char*> pointers_;
};

/// A process that was started to serve and makes an executor of its own instead is a mistake that would
/// repeat itself without end, for that executor would start another such process. Ends it then, with
/// a sentence on stderr.
void refuse_unplayed_role();

}  // namespace green::detail
