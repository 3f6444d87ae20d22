#include <green/executor/process_job.hpp>

namespace green::detail {

void process_job_queue::insert(job_ref job, bool at_front) {
    list& level = levels_[job->priority];
    process_job& taken = *job.release();
    if (at_front) {
        level.push_front(taken);
    } else {
        level.push_back(taken);
    }
    ++size_;
}

process_job& process_job_queue::front() noexcept { return *levels_.begin()->second.front(); }

job_ref process_job_queue::remove(process_job& job) noexcept {
    auto const level = levels_.find(job.priority);
    level->second.remove(job);
    if (level->second.empty()) levels_.erase(level);
    --size_;
    return job_ref::adopt(&job);
}

}  // namespace green::detail
