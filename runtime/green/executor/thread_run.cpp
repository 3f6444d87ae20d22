#include <green/executor/thread_run.hpp>

#include <green/executor/thread_pool.hpp>
#include <green/loop/loop_core.hpp>

namespace green::detail {

void frame_job::start() {
    loop_core& loop = *loop_core::current();
    loop_ = &loop;
    loop.hold_clock();
    if (pool_.spin_time().count() > 0) loop.spin_for(pool_.spin_time());
    try {
        pool_.push(*this);
    } catch (...) {
        loop.release_clock();
        throw;
    }
}

bool frame_job::cancel() noexcept {
    // Released, it has ended, and so may have the executor.
    if (holds_.load(std::memory_order_acquire) == 0) return false;
    if (pool_.take_back(*this)) {
        loop_core::current()->release_clock();
        return true;
    }
    ask_to_stop();
    return false;
}

void frame_job::run() noexcept {
    if (waiter().ended()) return;  // abandoned: an earlier run of this thread held its clock
    loop_core::current()->release_clock();
    waiter().wake();
}

void frame_job::describe(std::string& out) const { describe_job(out, "thread_executor", label()); }

std::exception_ptr frame_job::cancelled() noexcept {
    return make_error<cancelled_error>("run: the job was cancelled by a shutdown");
}

}  // namespace green::detail
