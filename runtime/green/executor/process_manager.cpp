#include <green/core/errors.hpp>
#include <green/executor/executor_error.hpp>
#include <green/executor/process_pool.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <new>
#include <thread>
#include <utility>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

// The events: what the manager's thread hears from the fork server and the workers.

namespace green::detail {
namespace {

/// The work that lies ready at a worker: enough to hide the way of the next batch to it.
constexpr double work_ahead_ns = 200'000;
/// Jobs that take longer gain nothing from being sent ahead.
constexpr double no_work_ahead_ns = 1'000'000;

/// Memory for large outcomes that is not given back after each.
constexpr std::size_t most_copied_kept = std::size_t{1} << 24;

/// The text of an error is let in whatever the limit.
constexpr std::uint64_t small_result = std::uint64_t{1} << 17;

/// Reads from one worker before it is the others' turn.
constexpr int reads_in_turn = 4;

constexpr auto out_of_memory_pause = std::chrono::milliseconds(10);

std::size_t depth_for(double job_ns) noexcept {
    if (job_ns <= 0 || job_ns > no_work_ahead_ns) return 1;
    return static_cast<std::size_t>(std::clamp(work_ahead_ns / job_ns, 2.0, 1024.0));
}

/// Of the thread that runs: which pool it manages.
thread_local const process_pool* own_pool = nullptr;

}  // namespace

bool process_pool::is_manager() const noexcept { return own_pool == this; }

void process_pool::manage() noexcept {
    own_pool = this;
    for (bool more = true; more;) {
        try {
            more = turn();
        } catch (const std::bad_alloc&) {  // what it has left undone is there again
            deliver_output();
            publish();
            std::this_thread::sleep_for(out_of_memory_pause);
            patience_ = 0;
        }
    }
    server_.end();
    {
        // A future may keep the pool for long.
        lock const l(mutex_);
        over_ = true;
        manager_awake_ = true;
        events_.reset();
        wake_.reset();
        arguments_ = {};
    }
    over_changed_.notify_all();
    ended_.set_value();
}

/// One round: wait, hear, decide, act, publish. False when all is over.
bool process_pool::turn() {
    std::array<epoll_event, 64> events;
    int const count =
        ::epoll_wait(events_.get(), events.data(), static_cast<int>(events.size()), patience_);
    lock l(mutex_);
    manager_awake_ = true;
    auto const now = steady::now();
    hear_again(now);
    for (std::size_t i = 0; i < static_cast<std::size_t>(std::max(count, 0)); ++i) {
        handle_event(events[i].data.u64, events[i].events, now);
    }
    check_times(now);
    bury(now);
    share_out(now);
    empty_queue();
    dispatch(depth_for(job_ns_));
    start_workers(now);
    empty_queue();  // if that broke the pool
    retire_workers(now);
    send_signals();
    flush_server();
    auto warmed = take_warmed();
    std::exception_ptr const problem = warmed.empty() ? nullptr : warm_problem();
    bool const over = closed_ && queue_.empty() && cancelled_.empty() && workers_.empty();
    // In one step with the last look at the queue: who comes later wakes us.
    patience_ = patience(now);
    manager_awake_ = false;
    l.unlock();
    deliver_output();
    publish();
    for (auto& w : warmed) {
        if (problem) {
            w->fail(problem);
        } else {
            w->succeed();
        }
    }
    return !over;
}

/// What an earlier turn had no memory for.
void process_pool::hear_again(steady::time_point now) {
    if (unheard_) hear_server(now);
    bool const read_again = std::exchange(output_left_, false);
    for (const auto& w : workers_) {
        if (read_again) read_output(*w);
        if (!w->heard) hear_worker(*w, 1);
        if (w->cancel_due) {
            w->send_cancel();
            flush(*w);
        }
    }
}

void process_pool::handle_event(std::uint64_t id, std::uint32_t events, steady::time_point now) {
    if (id == wake_id) {
        eventfd_t ignored;
        ::eventfd_read(wake_.get(), &ignored);
    } else if (id == server_id) {
        hear_server(now);
    } else if (worker_link* const writer = id & output_of ? find_worker(id & ~output_of)
                                                          : nullptr) {
        read_output(*writer);
    } else if (worker_link* const w = find_worker(id)) {
        if (events & EPOLLOUT) flush(*w);
        hear_worker(*w, reads_in_turn);
    }
}

int process_pool::patience(steady::time_point now) const noexcept {
    steady::time_point next = hello_by_;
    if (output_left_) next = std::min(next, now + look_again_after);
    if (workers_wanted() > 0) next = std::min(next, start_again_at_);
    for (const auto& w : workers_) {
        if (!w->kill_ordered) next = std::min(next, w->kill_at);
        // It could not be sent for lack of memory.
        if (!queue_.empty() && w->idle()) next = std::min(next, now + look_again_after);
        bool const look_again = w->jobs.size() > 1 || w->taken_back_from ||
            (cancel_pending_ && w->has_unbegun());
        if (look_again) next = std::min(next, now + look_again_after);
    }
    if (server_ended_at_ != steady::time_point::max() && !workers_.empty()) {
        next = std::min(next, now + look_again_after);
    }
    return poll_timeout(next, now);
}

// --- the fork server

void process_pool::hear_server(steady::time_point now) {
    while (server_.launched()) {
        if (!unheard_) {
            control_message message;
            io_state const state = server_.receive(message);
            if (state == io_state::blocked) return;
            if (state == io_state::broken) return server_ended(now);
            unheard_ = message;
        }
        obey_server(*unheard_);
        unheard_.reset();
    }
}

void process_pool::obey_server(const control_message& message) {
    if (message.kind == control_kind::hello) {
        hello_by_ = steady::time_point::max();
        server_answered_ = true;
        try {
            check_build(message);
        } catch (const broken_executor& e) {
            break_pool(e.what());
        }
        return;
    }
    if (message.kind == control_kind::preloaded) {
        std::string const text(message.text.data());
        if (!text.empty()) break_pool("the preload function failed: " + text);
        preloading_ = false;
        return;
    }
    worker_link* const w = find_worker(message.worker);
    if (!w) return;
    switch (message.kind) {
    case control_kind::started: w->pid = message.pid; break;
    case control_kind::exited: w->exit = worker_exit{message.value, message.usage}; break;
    case control_kind::not_started:
        w->start_error = std::strerror(message.value);
        w->exit = worker_exit{};
        break;
    default: break;
    }
    if (w->exit) w->phase = worker_phase::ending;
}

void process_pool::flush_server() {
    if (!server_.launched()) return;
    bool const full = server_.flush() == io_state::blocked;
    if (full == std::exchange(server_waits_for_room_, full)) return;
    want(server_.socket(), server_id, EPOLLIN | (full ? EPOLLOUT : 0U));
}

// --- a worker

/// What there is now, in so many reads at most.
void process_pool::hear_worker(worker_link& worker, int reads) {
    for (; worker.connected && reads > 0; --reads) {
        io_state state = io_state::done;
        if (worker.heard) {
            try {
                state = worker.in.fill(worker.socket.get(), MSG_DONTWAIT);
            } catch (const std::bad_alloc&) {
                if (!worker.in.drop_payload()) throw;  // that job fails alone
            }
        }
        worker.heard = false;
        while (worker.connected) {
            auto f = worker.unheard ? std::exchange(worker.unheard, std::nullopt)
                                    : worker.in.next();
            if (!f) break;
            try {
                handle_frame(worker, *f);
            } catch (const std::bad_alloc&) {
                worker.unheard = std::move(f);
                throw;
            }
        }
        worker.heard = true;
        if (!worker.connected) return;
        const frame_header* const arriving = worker.in.arriving();
        if (state == io_state::broken || (arriving && !may_arrive(worker, *arriving))) {
            return disconnect(worker);
        }
        if (state == io_state::blocked) return;
    }
}

/// What else comes is from a worker whose memory a job has overwritten.
bool process_pool::may_arrive(worker_link& worker, const frame_header& header) {
    switch (header.kind) {
    case frame_kind::ready:
    case frame_kind::unusable: return !worker.was_ready;
    // There is a result at least for each. A flood of them would keep this thread busy.
    case frame_kind::bell: return header.size == 0 && worker.bells < worker.sent;
    case frame_kind::result: {
        collect(worker);  // what it finished before
        std::uint64_t const most = settings_.worker.max_result_size;
        bool const fits = most == 0 || header.size <= std::max(most, small_result);
        return fits && !worker.jobs.empty() && worker.jobs.front().number == header.id;
    }
    default: return false;
    }
}

void process_pool::handle_frame(worker_link& worker, frame& f) {
    if (!may_arrive(worker, f.header)) return disconnect(worker);
    switch (f.header.kind) {
    case frame_kind::ready:
        if (worker.phase == worker_phase::starting) worker.phase = worker_phase::ready;
        worker.was_ready = true;
        // The server may say so later. It is never told otherwise.
        if (worker.pid == 0) worker.pid = static_cast<pid_t>(f.header.value);
        failed_starts_ = 0;
        break;
    case frame_kind::unusable: {
        std::string const text(reinterpret_cast<const char*>(f.payload.data()), f.payload.size());
        std::fprintf(stderr, "green: %s\n", text.c_str());
        break_pool(text);
        worker.was_ready = true;  // the process itself could be started
        break;
    }
    case frame_kind::bell:
        collect(worker);
        ++worker.bells;
        break;
    case frame_kind::result: {
        make_room(completions_, 1);
        make_room(worker.kept, 1);
        completion done;
        done.size = f.payload.size();
        done.own = std::move(f.own);
        if (f.lost) {
            done.outcome = completion::kind::failed;
            done.error = std::make_exception_ptr(std::bad_alloc());
        } else if (done.own.empty()) {
            done.offset = arrived_.size();
            append(arrived_, f.payload);
        }
        finish(worker, f.header, std::move(done));
        break;
    }
    default: break;
    }
}

/// The results on its board. Once they are read, none is lost for want of memory.
void process_pool::collect(worker_link& worker) {
    if (worker.run_wild) return;
    make_room(completions_, worker.jobs.size());
    make_room(worker.kept, worker.jobs.size());
    std::size_t at = arrived_.size();
    bool sound = worker.board.collect(arrived_);
    while (sound && at != arrived_.size()) {
        frame_header header;
        std::size_t const left = arrived_.size() - at;
        sound = left >= sizeof header;
        if (!sound) break;
        std::memcpy(&header, arrived_.data() + at, sizeof header);
        sound = header.kind == frame_kind::result && header.size <= left - sizeof header;
        if (!sound) break;
        completion done;
        done.offset = at + sizeof header;
        done.size = header.size;
        at = done.offset + done.size;
        sound = finish(worker, header, std::move(done));
    }
    if (sound) return;
    worker.run_wild = true;  // a job has written over it
    kill(worker, SIGKILL);
}

/// False: it is not at that job. There is room for one more in completions_ and the worker's `kept`.
bool process_pool::finish(worker_link& worker, const frame_header& header, completion done) {
    done.job = worker.take_finished(header.id);
    if (!done.job) return false;
    try {
        read_output(worker);  // what the job has written comes before its end
    } catch (const std::bad_alloc&) {  // or later
    }
    if (header.flags & result_is_lent) done.lender = worker.results;
    if (header.flags & result_keeps_arguments) worker.kept.push_back(done.job->call);
    worker.last_progress = steady::now();
    // Longer jobs count at once, so that nothing waits behind them; shorter ones little by little.
    double const ns = std::max<double>(header.value, 1);
    job_ns_ = ns > job_ns_ ? ns : job_ns_ + (ns - job_ns_) / 8;
    ++counters_.finished;
    completions_.push_back(std::move(done));
    return true;
}

/// What is there now. A pipe that is at its end leaves the epoll as it is closed.
void process_pool::read_output(worker_link& worker) {
    if (worker.pid == 0) return;  // the server is about to say whose it is
    try {
        for (worker_output& o : worker.output) {
            if (o.open() && !o.read(worker.pid, lines_)) close_output(o);
        }
    } catch (const std::bad_alloc&) {
        output_left_ = true;
        throw;
    }
}

/// A fork of the application may keep the pipe open, and with it the epoll would keep it.
void process_pool::close_output(worker_output& output) noexcept {
    ::epoll_ctl(events_.get(), EPOLL_CTL_DEL, output.fd(), nullptr);
    output.close();
}

/// Without the lock: this runs the user's code.
void process_pool::deliver_output() noexcept {
    for (const captured_line& line : lines_) {
        try {
            settings_.on_output({line.pid, line.stream, line.text});
        } catch (...) {
            std::string const what = describe(std::current_exception());
            std::fprintf(
                stderr, "green: on_output of a process_executor failed: %s\n", what.c_str()
            );
        }
    }
    lines_.clear();
}

/// Who waited for all workers, if they are there, or never will be.
std::vector<process_pool::warm_ref> process_pool::take_warmed() {
    auto const ready = std::count_if(workers_.begin(), workers_.end(), [](const auto& w) {
        return w->phase == worker_phase::ready;
    });
    bool const warm = static_cast<std::size_t>(ready) >= settings_.max_workers;
    if (!warm && broken_.empty() && !closed_) return {};
    return std::exchange(warm_waiters_, {});
}

std::exception_ptr process_pool::warm_problem() const {
    try {
        require_open();
        return nullptr;
    } catch (...) {
        return std::current_exception();
    }
}

/// Without the lock: this runs codecs and callbacks.
void process_pool::publish() {
    for (completion& c : completions_) {
        c.job->call.reset();
        switch (c.outcome) {
        case completion::kind::received: receive(c); break;
        case completion::kind::failed: c.job->fail(std::move(c.error)); break;
        case completion::kind::cancelled: c.job->state().end_cancelled(); break;
        }
        c.job = {};
    }
    completions_.clear();
    arrived_.clear();
    if (copied_.capacity() > most_copied_kept) copied_ = byte_buffer();
}

void process_pool::receive(const completion& c) noexcept {
    try {
        auto const arrived = c.own.empty() ? arrived_.bytes().subspan(c.offset, c.size)
                                           : c.own.bytes();
        if (!c.lender) return c.job->receive(arrived, nullptr);
        std::shared_ptr<result_lease> lease;
        std::uint64_t const most = settings_.worker.max_result_size;
        auto const outcome = most == 0 ? c.lender->open(arrived, copied_, lease)
                                       : c.lender->open(arrived, copied_, lease, most);
        c.job->receive(outcome, lease.get());
    } catch (...) {
        c.job->fail(std::current_exception());  // no memory for what it refers to
    }
}

}  // namespace green::detail
