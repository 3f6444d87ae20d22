#include <green/executor/process_executor.hpp>

#include <green/core/process_role.hpp>
#include <green/executor/process_pool.hpp>
#include <green/executor/processors.hpp>

#include <csignal>
#include <stdexcept>

namespace green {
namespace detail {

void withdraw_job(process_pool& pool, process_job& job) noexcept { pool.withdraw(job); }
bool ask_job_to_stop(process_pool& pool, process_job& job) noexcept {
    return pool.ask_to_stop(job);
}
bool is_manager_of(const process_pool& pool) noexcept { return pool.is_manager(); }
void refuse_own_wait(const process_pool& pool) {
    if (!pool.is_manager()) return;
    throw std::logic_error("green: deadlock: a callback of a process_executor waits for it");
}

namespace {

byte_buffer encoded(void (*function)()) {
    byte_buffer call;
    encoder e(call);
    encode_call(e, function);
    return call;
}

process_pool_settings settings_of(const process_executor_options& options) {
    process_pool_settings s;
    s.max_workers = options.max_workers != 0 ? options.max_workers : usable_processors();
    s.max_tasks_per_child = options.max_tasks_per_child;
    s.mode = options.method == start_method::fork ? start_mode::fork : start_mode::exec;
    s.cancel_grace = options.cancel_grace;
    s.on_output = options.on_output;
    // A global variable is made in every worker too, whose memory it is not to take.
    s.arena_size = has_unplayed_process_role() ? 0 : allowed_arena_size(options.arena_size);
    s.worker.memory_limit = options.memory_limit;
    s.worker.cpu_limit = options.cpu_limit;
    s.worker.max_result_size = options.max_result_size;
    s.worker.nice = options.nice;
    if (options.pin_workers) s.processors = allowed_processors();
    if (options.preload) s.preload = encoded(options.preload);
    if (options.initializer) s.initializer = encoded(options.initializer);
    s.worker.preload_size = s.preload.size();
    s.worker.initializer_size = s.initializer.size();
    return s;
}

}  // namespace
}  // namespace detail

process_executor::process_executor(std::size_t max_workers)
    : process_executor(process_executor_options{.max_workers = max_workers}) {
    if (max_workers == 0) {
        throw std::invalid_argument("process_executor: max_workers must be greater than 0");
    }
}

process_executor::process_executor(const process_executor_options& options)
    : pool_(std::make_shared<detail::process_pool>(detail::settings_of(options))),
      arena_(pool_->arguments()) {}

process_executor::~process_executor() {
    if (pool_->is_of_this_process()) {
        shutdown();
    } else {
        detail::keep_for_ever(pool_);
    }
}

void process_executor::push(detail::process_pool& pool, detail::job_ref job) {
    pool.push(std::move(job));
}

future<void> process_executor::warm() { return pool_->warm(); }

void process_executor::shutdown(shutdown_options options) {
    pool_->shutdown(options.cancel_pending || options.stop_running, options.stop_running);
    // A callback cannot wait for its own end, and a fork not for a thread of its parent.
    if (!options.wait || pool_->is_manager() || !pool_->is_of_this_process()) return;
    if (options.grace != forever && !pool_->ended_within(options.grace)) kill_workers();
    pool_->join();
}

task<> process_executor::close() {
    pool_->shutdown(false);
    if (pool_->is_of_this_process()) co_await pool_->ended();
}

void process_executor::terminate_workers() { pool_->signal_workers(SIGTERM); }
void process_executor::kill_workers() { pool_->signal_workers(SIGKILL); }

executor_stats process_executor::stats() const { return pool_->stats(); }
std::size_t process_executor::max_workers() const noexcept { return pool_->max_workers(); }

}  // namespace green
