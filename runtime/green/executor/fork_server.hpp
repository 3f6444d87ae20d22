#pragma once

// Internal: the process that starts an executor's workers, and reaps them.

#include <sys/types.h>

namespace green::detail {

/// Serves the control socket `first_passed_descriptor` until its end, then ends all workers and the
/// process. `parent` is the application.
///
/// It has one thread and no loop, so that it may fork: in a copy of a program with threads a lock may
/// be held by a thread that is not there. Where something has started a thread all the same, before
/// main (a sanitizer's runtime), a worker is started by exec.
[[noreturn]] void fork_server_main(pid_t parent) noexcept;

}  // namespace green::detail
