#pragma once

#include <green/executor/executor_error.hpp>

#include <string>

#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

namespace green {

/// The worker process of a job ended before the job did: by a signal, or because the job called exit.
/// Only this job fails; the worker is replaced. `what()` names the process, its end and the job.
class worker_died : public executor_error {
public:
    worker_died(const std::string& text, pid_t pid, int wait_status, const rusage& usage)
        : executor_error(text), pid_(pid), status_(wait_status), usage_(usage) {}

    pid_t pid() const noexcept { return pid_; }
    /// The number of the signal that killed it; 0 if it ended by itself.
    int signal() const noexcept { return WIFSIGNALED(status_) ? WTERMSIG(status_) : 0; }
    /// Its exit status; -1 if a signal killed it.
    int exit_code() const noexcept { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
    /// What the process used in all its life.
    const rusage& usage() const noexcept { return usage_; }

private:
    pid_t pid_;
    int status_;
    rusage usage_;
};

}  // namespace green
