#pragma once

// Internal: what a process pool knows of a job, and the queue of those that wait.

#include <green/core/intrusive_list.hpp>
#include <green/executor/future_state.hpp>
#include <green/executor/job_options.hpp>
#include <green/executor/outgoing_call.hpp>
#include <green/executor/state_ref.hpp>

#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <utility>

namespace green::detail {

class worker_link;

class process_job;
using job_ref = state_ref<process_job>;

/// A job on its way to a worker process: an encoded call, and a future. Queue, worker and completion
/// each hold a reference.
class process_job : public list_node<process_job> {
public:
    process_job(
        std::shared_ptr<const outgoing_call> call, const job_options& options, bool takes_token
    ) noexcept
        : call(std::move(call)),
          deadline(options.deadline),
          on_cancel(options.on_cancel),
          retries(options.retries),
          priority(options.priority),
          takes_token(takes_token) {}
    process_job(const process_job&) = delete;
    process_job& operator=(const process_job&) = delete;

    virtual future_base& state() noexcept = 0;
    /// The outcome that the worker sent, with what it refers to. Not under a lock: this may run the
    /// user's code.
    virtual void receive(std::span<const std::byte> outcome, shared_borrower* lent) noexcept = 0;
    /// There is no outcome. After state().set_running(), or instead of it.
    virtual void fail(std::exception_ptr why) noexcept = 0;

    void add_ref() noexcept { state().add_ref(); }
    void drop_ref() noexcept { state().drop_ref(); }

    /// It needs a worker for itself: what ends it must not hit another job.
    bool exclusive() const noexcept {
        return takes_token || on_cancel == cancel_policy::kill || deadline != forever;
    }

    /// Until it is over: the future may be kept for long.
    std::shared_ptr<const outgoing_call> call;
    const std::chrono::nanoseconds deadline;
    const cancel_policy on_cancel;
    unsigned retries;  // left
    unsigned lost_workers = 0;  // that died when it was their next
    const int priority;
    const bool takes_token;

    /// A cancel came when it had been sent to a worker: it does not begin, or begin again, after that.
    /// Under the pool's mutex.
    bool stop_asked = false;

    /// Where it is; null in the queue and when it is over. Under the pool's mutex.
    worker_link* worker = nullptr;

    job_ref next_dropped;  // in the list of a shutdown that has taken it out of the queue

protected:
    ~process_job() = default;
};

/// Jobs that have not begun: the greatest priority first, and within one as they came.
class process_job_queue {
public:
    void push_back(job_ref job) { insert(std::move(job), false); }
    /// For one that was taken out before.
    void push_front(job_ref job) { insert(std::move(job), true); }
    /// Of a queue that is not empty.
    process_job& front() noexcept;
    job_ref pop() noexcept { return remove(front()); }
    job_ref remove(process_job& job) noexcept;

    std::size_t size() const noexcept { return size_; }
    bool empty() const noexcept { return size_ == 0; }

private:
    void insert(job_ref job, bool at_front);

    using list = intrusive_list<process_job>;

    std::map<int, list, std::greater<>> levels_;  // by priority; none of them is empty
    std::size_t size_ = 0;
};

}  // namespace green::detail
