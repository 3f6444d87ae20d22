#include <green/executor/worker_link.hpp>

#include <cstring>
#include <span>
#include <utility>

#include <sys/wait.h>

namespace green::detail {

void worker_link::send(job_ref job, steady::time_point now) {
    if (jobs.empty()) last_progress = now;
    process_job& j = *job;
    frame_header header{.id = sent, .kind = frame_kind::job};
    if (j.takes_token) header.flags |= job_takes_token;
    jobs.push_back({std::move(job), sent});
    try {
        if (auto const place = j.call->place()) {
            header.flags |= job_is_shared;
            out.push(header, std::as_bytes(std::span(&*place, 1)));
        } else {
            out.push(header, j.call->bytes.bytes(), j.call);
        }
    } catch (...) {
        jobs.pop_back();
        throw;
    }
    ++sent;
    j.worker = this;
    ++tasks;
    if (j.deadline != forever) {
        auto const left = steady::time_point::max() - now;
        if (j.deadline < left) kill_by(now + j.deadline, kill_reason::deadline);
    }
}

void worker_link::send_cancel() {
    if (!cancel_due || jobs.empty()) return;
    out.push({.id = jobs.front().number, .kind = frame_kind::cancel});
    cancel_due = false;
}

job_ref worker_link::take_finished(std::uint64_t number) noexcept {
    if (jobs.empty() || jobs.front().number != number) return {};
    job_ref job = std::move(jobs.front().job);
    jobs.pop_front();
    job->worker = nullptr;
    held_up = false;
    cancel_due = false;
    if (phase != worker_phase::ending) {
        kill_at = steady::time_point::max();
        killed_for = kill_reason::none;
    }
    return job;
}

void worker_link::kill_by(steady::time_point when, kill_reason why) noexcept {
    if (when >= kill_at) return;
    kill_at = when;
    killed_for = why;
}

std::string describe_death(pid_t pid, int wait_status) {
    std::string const text = "worker process " + std::to_string(pid);
    if (!WIFSIGNALED(wait_status)) {
        return text + " ended with exit status " + std::to_string(WEXITSTATUS(wait_status));
    }
    int const number = WTERMSIG(wait_status);
    const char* const words = ::sigdescr_np(number);
    return text + " was killed by signal " + std::to_string(number) +
        (words ? std::string(" (") + words + ")" : "");
}

}  // namespace green::detail
