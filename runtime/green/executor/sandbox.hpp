#pragma once

#include <green/core/config.hpp>

namespace green {

/// Takes from this process, for good and for all its threads, what a computation does not need: it
/// can open no file, make no socket, start no program and no process, and send no signal to
/// another. For jobs that parse what a stranger has sent, as the initializer of their workers:
///
///     process_executor pool({.initializer = enter_sandbox});
///
/// What is refused fails with EPERM. What stays: memory, threads, time, random numbers, signals to
/// itself, and the descriptors that are open already, of which a worker has its own socket, the
/// standard output and the standard error. So libraries that open files when they are needed do
/// that in an initializer of yours which then calls this: time zones, locales, `dlopen`.
///
/// By seccomp, an allow-list of system calls, and by landlock besides where the kernel has it.
/// executor_error where that is not to be had: another system than Linux, a green that was built
/// without libseccomp (`-Dsandbox`). std::system_error if the kernel refuses. Never call it in the
/// application itself.
void enter_sandbox();

/// Whether green was built with what enter_sandbox needs.
bool sandbox_available() noexcept;

}  // namespace green
