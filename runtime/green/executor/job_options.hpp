#pragma once

#include <green/core/time.hpp>

#include <chrono>
#include <string_view>

namespace green {

/// What a cancel does to a job that runs already. One that has not begun never does then.
enum class cancel_policy : unsigned char {
    cooperative,  ///< It is asked through its std::stop_token, and may answer with a result.
    kill,  ///< Its process is ended. A thread cannot be: its jobs are asked, as by the other one.
};

/// How one job is to be run: the first argument of `submit` and `run`.
struct job_options {
    /// Counted from its real start, not from the submit. A job that is late gets timeout_error. The
    /// process of a process job is killed then; a thread job is asked through its std::stop_token, and
    /// what it ends with after that is dropped in favour of timeout_error: its future is done when the
    /// job has really ended, and not before. One thread of the executor asks all that are late, one after
    /// the other: a stop callback that takes long keeps the others waiting.
    std::chrono::nanoseconds deadline = forever;
    cancel_policy on_cancel = cancel_policy::cooperative;
    /// Times that a job is started again whose worker process died, but not after it was cancelled.
    /// Thread jobs: without meaning.
    unsigned retries = 0;
    /// Of the jobs that wait, one of the greatest priority is next; first come, first served among
    /// those of the same. Nothing keeps lesser ones from waiting for ever.
    int priority = 0;
    /// For task dumps, reports and traces. Copied when the job is queued.
    std::string_view name{};
};

}  // namespace green
