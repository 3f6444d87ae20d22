#pragma once

// Internal: a worker process.

#include <green/executor/descriptor.hpp>

#include <cstddef>
#include <span>
#include <string>

#include <sys/types.h>

namespace green::detail {

/// Runs jobs until the job socket is at its end; then the process ends. `parent` is who started it:
/// the worker ends with it, whatever becomes of it. `passed` is in the order of worker_descriptor.
[[noreturn]] void worker_main(passed_descriptors passed, pid_t parent) noexcept;

/// Makes the one call that is encoded in `memory`; what it returns is the exit status, 1 if it throws.
[[noreturn]] void program_main(descriptor memory, pid_t parent) noexcept;

/// Makes a call that gives nothing. What it threw, as text; empty: nothing.
std::string failure_of(std::span<const std::byte> call);

/// What the fork server says once it has made the preload call: its workers need not.
void set_preloaded() noexcept;

/// The signals of a worker: none is blocked; SIGINT is ignored, for Ctrl-C is the application's
/// affair; SIGTERM ends it. Handlers that the program's static initialisers have installed stay.
void reset_signals() noexcept;

/// The calling process is killed when `parent` ends. Ends it at once if that has happened already.
void end_with(pid_t parent) noexcept;

}  // namespace green::detail
