#include <green/core/errors.hpp>
#include <green/core/source_text.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/process_pool.hpp>
#include <green/executor/worker_died.hpp>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

// The workers: how the manager starts and ends them, and what becomes of their jobs.

namespace green::detail {
namespace {

/// Starts that fail in a row before the pool is given up.
constexpr unsigned most_failed_starts = 3;
/// Workers that die with one job before them that they have not begun.
constexpr unsigned most_lost_workers = 3;
constexpr auto first_pause = std::chrono::milliseconds(10);
/// A program that is started again and does not say that it serves is not going to.
constexpr auto hello_limit = std::chrono::seconds(30);
/// A worker that has nothing more to do ends by itself. One that was stopped by somebody does not.
constexpr auto retirement_limit = std::chrono::seconds(5);
/// Workers die with their server. The end of their sockets says so, but for one whose job has left a
/// process of its own behind, that has the socket too.
constexpr auto orphan_limit = std::chrono::seconds(1);

/// More than is in the socket of a dead worker. Who writes to it still is a process that a job left.
constexpr int most_reads_of_dead = 1000;

}  // namespace

// --- starts

void process_pool::start_workers(steady::time_point now) {
    if (now < start_again_at_) return;
    if (server_ended_at_ != steady::time_point::max()) {
        if (!workers_.empty()) return;  // the dead are buried first
        server_ended_at_ = steady::time_point::max();
    }
    try {
        for (std::size_t n = workers_wanted(); n > 0; --n) {
            if (!server_.launched()) launch_server(now);
            start_worker(now);
        }
    } catch (const std::exception& e) {  // no descriptors, no processes, no memory
        start_failed(now, e.what());
    }
}

void process_pool::launch_server(steady::time_point now) {
    server_.launch(environment_.get());
    try {
        watch(server_.socket(), server_id);
        preloading_ = !settings_.preload.empty() && settings_.mode == start_mode::fork;
        if (preloading_) server_.preload(memory_holding(settings_.preload));
    } catch (...) {
        server_.end();  // nobody would hear it
        throw;
    }
    server_answered_ = false;
    hello_by_ = now + hello_limit;
}

void process_pool::start_worker(steady::time_point now) {
    auto [mine, its] = socket_pair(SOCK_STREAM);
    descriptor board = shared_memory("green-worker", worker_board::memory_size());
    descriptor results =
        sealed_memory("green-results", worker_arena_memory_size(settings_.arena_size));
    auto worker =
        std::make_unique<worker_link>(next_worker_++, std::move(mine), board.get(), results.get());
    worker->last_progress = now;
    worker->processor = least_used_processor();
    byte_buffer const settings = settings_for(worker->processor);
    worker->out.push({.kind = frame_kind::settings}, settings.bytes());
    watch(worker->socket.get(), worker->id);
    flush(*worker);
    passed_descriptors passed;
    passed[worker_jobs] = std::move(its);
    passed[worker_board_memory] = std::move(board);
    passed[worker_arguments] = duplicate(arguments_.for_workers);
    passed[worker_results] = std::move(results);
    if (settings_.on_output) capture_output(*worker, passed);
    workers_.reserve(workers_.size() + 1);
    server_.start_worker(worker->id, settings_.mode, std::move(passed));
    workers_.push_back(std::move(worker));
    ++counters_.workers_started;
    successors_ -= std::min<std::size_t>(successors_, 1);
}

void process_pool::capture_output(worker_link& worker, passed_descriptors& passed) {
    for (auto const stream : {worker_stream::out, worker_stream::err}) {
        auto const i = static_cast<std::size_t>(stream);
        auto [mine, its] = worker_output::make(stream);
        watch(mine.fd(), worker.id | output_of);
        worker.output[i] = std::move(mine);
        passed[worker_stdout + i] = std::move(its);
    }
}

byte_buffer process_pool::settings_for(int processor) const {
    worker_settings settings = settings_.worker;
    settings.processor = processor;
    byte_buffer bytes;
    append(bytes, std::as_bytes(std::span(&settings, 1)));
    append(bytes, settings_.preload.bytes());
    append(bytes, settings_.initializer.bytes());
    return bytes;
}

int process_pool::least_used_processor() const noexcept {
    auto const users = [this](int processor) {
        return std::count_if(workers_.begin(), workers_.end(), [&](const auto& w) {
            return w->active() && w->processor == processor;
        });
    };
    auto const best = std::min_element(
        settings_.processors.begin(), settings_.processors.end(),
        [&](int a, int b) { return users(a) < users(b); }
    );
    return best == settings_.processors.end() ? -1 : *best;
}

void process_pool::start_failed(steady::time_point now, const std::string& why) {
    if (closed_ && queue_.empty()) return;
    start_again_at_ = now + first_pause * (1U << std::min(failed_starts_, 6U));
    ++failed_starts_;
    if (failed_starts_ < most_failed_starts || active_workers() > 0) return;
    break_pool("worker processes could not be started: " + why);
}

/// From now on what waits fails, and so does all that comes.
void process_pool::break_pool(const std::string& why) {
    if (!broken_.empty()) return;
    try {
        broken_ = "process_executor: " + why;
    } catch (const std::bad_alloc&) {
        broken_ = "out of memory";  // short enough to need none
    }
}

/// What will never begin: jobs of a broken pool, and those that came back after their like were
/// cancelled.
void process_pool::empty_queue() {
    constexpr auto failed = completion::kind::failed;
    while (!cancelled_.empty()) {
        end(*cancelled_.back(), completion::kind::cancelled);
        cancelled_.pop_back();
    }
    if (broken_.empty() && !cancel_pending_) return;
    while (!queue_.empty()) {
        make_room(completions_, 1);  // once it is running, end() must not fail
        process_job& job = queue_.front();
        if (!job.state().set_running()) {
            job.call.reset();
        } else if (broken_.empty()) {
            end(job, completion::kind::cancelled);
        } else {
            end(job, failed, make_error<broken_executor>(broken_));
        }
        queue_.pop();
    }
}

void process_pool::server_ended(steady::time_point now) {
    // A fork of the application may keep the connection open, and with it the epoll would keep it.
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, server_.socket(), nullptr);
    int const status = server_.end();
    unheard_.reset();
    server_ended_at_ = now;
    hello_by_ = steady::time_point::max();
    for (const auto& w : workers_) w->phase = worker_phase::ending;
    bool const preloaded = !std::exchange(preloading_, false);
    if (server_answered_ && preloaded) return;
    bool const hook_is_missing = !server_answered_ && WIFEXITED(status);
    std::string why;
    try {
        why = hook_is_missing ? describe_missing_hook(status) : describe_server_end(status);
        if (server_answered_) why += " while it ran the preload function";
    } catch (const std::bad_alloc&) {
        why = "out of memory";  // short enough to need none
    }
    if (hook_is_missing) {
        break_pool(why);
    } else {
        start_failed(now, why);
    }
}

// --- ends

void process_pool::disconnect(worker_link& worker) {
    collect(worker);
    worker.connected = false;
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, worker.socket.get(), nullptr);
    // It is ending, or is of no use without its socket. A process that is ending already keeps its
    // status. What it has not begun does not wait for its funeral, so that jobs begin in order.
    kill(worker, SIGKILL);
    put_back(worker, first_spared(worker));
}

/// The first job that a worker at its end is not charged with; decided once. Its next one is not, if that
/// had not begun: but where one worker after the other dies with the same job before it, it is that job
/// that kills them.
std::uint64_t process_pool::first_spared(worker_link& worker) noexcept {
    if (worker.spared_from) return *worker.spared_from;
    // A copy of it that a job has left behind begins none of them from now on.
    auto const taken_back = worker.taken_back_from ? worker.taken_back_from
                                                   : worker.board.take_back(worker.sent);
    std::uint64_t const begun = taken_back.value_or(worker.board.begun());
    std::uint64_t& spared = worker.spared_from.emplace(begun);
    if (worker.jobs.empty()) return spared;
    auto& [job, number] = worker.jobs.front();
    spared = number + 1;
    if (number < begun) return spared;
    if (job->lost_workers < most_lost_workers) ++job->lost_workers;
    if (job->lost_workers < most_lost_workers) spared = number;
    return spared;
}

void process_pool::kill(worker_link& worker, int number) {
    if (number == SIGKILL) worker.phase = worker_phase::ending;
    // The server hears nothing while it is in there.
    if (number == SIGKILL && preloading_) return server_ended(steady::now());
    if (worker.signal_due != SIGKILL) worker.signal_due = number;
}

void process_pool::send_signals() {
    for (const auto& w : workers_) {
        if (w->signal_due == 0) continue;
        if (!w->exit && server_.launched()) server_.kill_worker(w->id, w->signal_due);
        w->signal_due = 0;
    }
}

void process_pool::check_times(steady::time_point now) {
    if (now >= hello_by_) {
        break_pool("this program was started again to serve as its fork server and does not: call "
                   "green::process_worker_main() in the first line of main");
        server_ended(now);
    }
    int const number = std::exchange(signal_, 0);
    for (const auto& w : workers_) {
        if (number != 0) kill(*w, number);
        if (now < w->kill_at || w->kill_ordered) continue;
        w->kill_ordered = true;
        kill(*w, SIGKILL);
    }
}

/// Jobs that lie at a worker behind one that takes long: in the queue another worker finds them, a
/// cancel does, and what is more urgent comes before them.
void process_pool::share_out(steady::time_point now) {
    for (const auto& w : workers_) {
        if (!w->busy()) continue;
        bool const behind = w->jobs.size() > 1 && now - w->last_progress >= look_again_after;
        if (behind) collect(*w);
        if (behind || w->taken_back_from || (cancel_pending_ && w->has_unbegun())) take_back(*w);
    }
}

/// The workers that have ended, and those that died with their server.
void process_pool::bury(steady::time_point now) {
    bool const orphaned = server_ended_at_ != steady::time_point::max();
    for (const auto& w : workers_) {
        if (w->phase != worker_phase::ending || w->buried) continue;
        if (!w->exit && !orphaned) continue;
        hear_worker(*w, w->exit ? most_reads_of_dead : 1);
        if (!w->exit && w->connected && now < server_ended_at_ + orphan_limit) continue;
        conclude(*w, now);
        w->buried = true;  // it stays in its place while others are looked for
    }
    std::erase_if(workers_, [](const auto& w) { return w->buried; });
}

void process_pool::conclude(worker_link& worker, steady::time_point now) {
    collect(worker);
    for (worker_output& o : worker.output) {
        o.finish(worker.pid, lines_);
        if (o.open()) close_output(o);
    }
    if (worker.connected) ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, worker.socket.get(), nullptr);
    worker_exit const how = worker.exit.value_or(worker_exit{.wait_status = SIGKILL});
    bool const charged = worker.kill_ordered && !worker.jobs.empty();
    put_back(worker, charged ? worker.jobs.front().number + 1 : first_spared(worker));
    if (!worker.jobs.empty()) {
        process_job& job = *worker.jobs.front().job;
        charge(worker, job, how);
        job.worker = nullptr;
        worker.cancel_due = false;
        worker.jobs.clear();
    }
    if (!worker.was_ready && server_ended_at_ == steady::time_point::max()) {
        start_failed(
            now,
            worker.start_error.empty() ? describe_death(worker.pid, how.wait_status)
                                       : worker.start_error
        );
    }
}

/// The job that was running when its worker died.
void process_pool::charge(const worker_link& worker, process_job& job, const worker_exit& how) {
    constexpr auto failed = completion::kind::failed;
    kill_reason const why = worker.kill_ordered ? worker.killed_for : kill_reason::none;
    if (why == kill_reason::cancel) {
        end(job, completion::kind::cancelled);
    } else if (why == kill_reason::deadline) {
        std::string text = "the job was not done within " + describe(job.deadline);
        end(job, failed, std::make_exception_ptr(timeout_error(text)));
    } else if (job.retries > 0 && !cancel_pending_ && !job.stop_asked) {
        queue_.push_front(job_ref(&job));
        --job.retries;
        job.state().requeue();
    } else {
        std::string text = describe_death(worker.pid, how.wait_status) + " while it ran ";
        job.state().describe(text);
        auto error = worker_died(text, worker.pid, how.wait_status, how.usage);
        end(job, failed, std::make_exception_ptr(std::move(error)));
    }
}

/// A job that will not send a result. std::bad_alloc: nothing has happened.
void process_pool::end(process_job& job, completion::kind outcome, std::exception_ptr why) {
    make_room(completions_, 1);
    ++(outcome == completion::kind::cancelled ? counters_.cancelled : counters_.finished);
    completion done;
    done.job = job_ref(&job);
    done.outcome = outcome;
    done.error = std::move(why);
    completions_.push_back(std::move(done));
}

/// Those that have done their last job, and all when there is nothing more to do.
void process_pool::retire_workers(steady::time_point now) {
    bool const all = closed_ && queue_.empty();
    for (const auto& w : workers_) {
        if (all && w->active() && w->jobs.empty()) w->phase = worker_phase::retiring;
        if (w->phase != worker_phase::retiring || !w->jobs.empty() || !w->out.empty()) continue;
        if (std::exchange(w->told_to_end, true)) continue;
        ::shutdown(w->socket.get(), SHUT_WR);
        w->kill_by(now + retirement_limit, kill_reason::none);
    }
}

worker_link* process_pool::find_worker(std::uint64_t id) noexcept {
    auto const found = std::find_if(workers_.begin(), workers_.end(), [&](const auto& w) {
        return w->id == id;
    });
    return found == workers_.end() ? nullptr : found->get();
}

}  // namespace green::detail
