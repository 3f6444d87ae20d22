#include <green/loop/stall_monitor.hpp>

#include <green/core/errors.hpp>
#include <green/core/source_text.hpp>
#include <green/loop/loop_core.hpp>
#include <green/loop/native_stack.hpp>
#include <green/loop/task_dump.hpp>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <new>
#include <system_error>
#include <thread>
#include <utility>

namespace green::detail {
namespace {

/// How long the loop's thread may take to show where it is.
constexpr std::chrono::milliseconds patience{100};
constexpr int samples_per_threshold = 4;

/// A thread that gets none of the process's signals.
bool start_quiet_thread(void (*body)()) noexcept {
    sigset_t all;
    sigset_t old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    bool started = true;
    try {
        std::thread thread(body);
        pthread_setname_np(thread.native_handle(), "green-watchdog");
        thread.detach();
    } catch (const std::system_error&) {
        started = false;  // no watchdog then
    }
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
    return started;
}

}  // namespace

stall_monitor& stall_monitor::instance() {
    static auto& monitor = *new stall_monitor;
    return monitor;
}

void stall_monitor::watch(loop_core& core, std::chrono::nanoseconds threshold) {
    std::lock_guard const lock(mutex_);
    auto e = std::make_unique<entry>();
    e->core = &core;
    e->threshold = threshold;
    e->thread = pthread_self();
    e->has_cpu_clock = pthread_getcpuclockid(e->thread, &e->cpu_clock) == 0;
    entries_.push_back(std::move(e));
    if (!thread_runs_) thread_runs_ = start_quiet_thread([] { instance().run(); });
    changed_.notify_all();
}

void stall_monitor::unwatch(loop_core& core) noexcept {
    std::unique_lock lock(mutex_);
    entry* const e = find(core);
    if (!e) return;
    if (e->reported && e->ended_after.count() < 0)
        e->ended_after = std::chrono::steady_clock::now() - e->seen_at;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !thread_runs_ || (!e->calling && !e->reported); });
    std::erase_if(entries_, [&](const auto& other) { return other.get() == e; });
}

void stall_monitor::set_handler(
    loop_core& core, std::shared_ptr<loop::stall_handler> handler
) noexcept {
    std::lock_guard const lock(mutex_);
    if (entry* const e = find(core)) e->handler.swap(handler);
}

void stall_monitor::went_on(loop_core& core, std::chrono::nanoseconds took) noexcept {
    std::lock_guard const lock(mutex_);
    entry* const e = find(core);
    if (!e || !e->reported || e->ended_after.count() >= 0) return;
    e->ended_after = took;
    changed_.notify_all();
}

void stall_monitor::after_fork_in_child() noexcept {
    // Waiters and the thread itself are not here, so the condition must begin anew.
    new (&changed_) std::condition_variable;
    for (auto& e : entries_) {  // of loops that do not run here
        [[maybe_unused]] const entry* const lost = e.release();
    }
    entries_.clear();
    thread_runs_ = false;
    mutex_.unlock();
}

stall_monitor::entry* stall_monitor::find(const loop_core& core) noexcept {
    for (auto& e : entries_) {
        if (e->core == &core) return e.get();
    }
    return nullptr;
}

std::chrono::nanoseconds stall_monitor::period() const noexcept {
    std::chrono::nanoseconds shortest = std::chrono::seconds(1);
    for (const auto& e : entries_) shortest = std::min(shortest, e->threshold);
    return std::max<std::chrono::nanoseconds>(
        shortest / samples_per_threshold, std::chrono::milliseconds(1)
    );
}

// --- the monitor's thread, from here on

void stall_monitor::run() {
    std::unique_lock lock(mutex_);
    auto last = std::chrono::steady_clock::now();
    for (;;) {
        if (entries_.empty()) {
            changed_.wait(lock);
        } else {
            changed_.wait_for(lock, period());
        }
        auto const now = std::chrono::steady_clock::now();
        std::chrono::nanoseconds const elapsed = now - last;
        last = now;
        for (auto& e : entries_) sample(*e, now, std::min(elapsed, 2 * period()));
        // This unlocks, and entries may come and go: but never the one that is being told of.
        // NOLINTNEXTLINE(modernize-loop-convert)
        for (std::size_t i = 0; i < entries_.size(); ++i) {
            if (entries_[i]->to_tell || entries_[i]->ended_after.count() >= 0)
                tell(lock, *entries_[i]);
        }
    }
}

stall_monitor::progress stall_monitor::look_at(const loop_core& core) noexcept {
    progress p;
    p.activity = core.activity();
    p.resumes = core.resumes();
    p.calls = core.calls();
    return p;
}

std::chrono::nanoseconds stall_monitor::cpu_time(const entry& e) noexcept {
    timespec t{};
    if (!e.has_cpu_clock || clock_gettime(e.cpu_clock, &t) != 0) return {};
    return std::chrono::seconds(t.tv_sec) + std::chrono::nanoseconds(t.tv_nsec);
}

void stall_monitor::sample(
    entry& e, std::chrono::steady_clock::time_point now, std::chrono::nanoseconds elapsed
) {
    if (e.calling || e.ended_after.count() >= 0) return;
    progress const p = look_at(*e.core);
    if (p.activity && p == e.seen) {
        e.stuck_for += elapsed;
        if (!e.reported && e.stuck_for >= e.threshold) catch_in_the_act(e);
    } else if (e.reported) {
        e.ended_after = now - e.seen_at;  // the loop has not said how long yet
    } else {
        e.seen = p;
        e.seen_at = now;
        e.stuck_for = {};
        if (p.activity) e.cpu_before = cpu_time(e);
    }
}

void stall_monitor::catch_in_the_act(entry& e) {
    std::chrono::nanoseconds const busy = cpu_time(e) - e.cpu_before;
    const thread_picture* const picture = take_picture(e.thread, patience);
    bool const in_time = picture && picture->in_loop && picture->resumes == e.seen.resumes;
    if (!in_time && look_at(*e.core) != e.seen) return;  // it has just gone on
    e.reported = true;
    e.busy_for = busy;
    e.caught_after = e.stuck_for;
    e.picture = in_time ? std::make_unique<thread_picture>(*picture) : nullptr;
    e.task = in_time ? picture->task : task_id::none;
    e.subject = e.task != task_id::none ? "task " + label(e.task, picture->task_name())
                                        : std::string(e.seen.activity);
    e.to_tell = true;
}

std::string stall_monitor::describe_stuck(const entry& e) {
    std::string text = "green: " + e.subject + " has kept its loop for " + describe(e.caught_after);
    if (e.has_cpu_clock) text += ", " + describe(e.busy_for) + " of it on a processor";
    text += "\n";
    if (!e.picture) return text;
    if (e.task != task_id::none) {
        for (std::size_t i = 0; i < e.picture->chain_size; ++i) {
            text += i == 0 ? "  after " : "  at ";
            text += describe(e.picture->chain[i]) + "\n";
        }
        if (e.picture->chain_is_longer) text += "  ...\n";
        text += "  spawned at " + describe(e.picture->spawned_at) + "\n";
    }
    std::string const stack = describe_stack(*e.picture);
    if (!stack.empty()) text += "  stack of its thread:\n" + stack;
    return text;
}

/// What there is to say about a loop, without the lock: finding out the names of functions takes a while,
/// and so may a handler.
void stall_monitor::tell(std::unique_lock<std::mutex>& lock, entry& e) {
    if (e.calling) return;
    if (std::exchange(e.to_tell, false)) {
        e.calling = true;
        lock.unlock();
        stall_report r{stall_report::kind::stuck, e.caught_after, e.task, describe_stuck(e)};
        lock.lock();
        e.picture.reset();
        deliver(lock, e, r);
    }
    if (e.ended_after.count() >= 0) {
        stall_report r{stall_report::kind::went_on, e.ended_after, e.task, {}};
        r.text = "green: " + e.subject + " went on after " + describe(e.ended_after) + "\n";
        deliver(lock, e, r);
        e.ended_after = std::chrono::nanoseconds(-1);
        e.stuck_for = {};
        e.reported = false;
    }
    e.calling = false;
    changed_.notify_all();
}

void stall_monitor::deliver(std::unique_lock<std::mutex>& lock, entry& e, const stall_report& r) {
    auto handler = e.handler;
    e.calling = true;
    lock.unlock();
    bool broken = false;
    if (handler) {
        try {
            (*handler)(r);
        } catch (...) {
            broken = true;
            std::string const why = describe(std::current_exception());
            std::fprintf(
                stderr,
                "green: the handler given to loop::on_stall failed and is not called any more: "
                "%s\n",
                why.c_str()
            );
        }
    }
    if (!handler || broken) std::fputs(r.text.c_str(), stderr);
    lock.lock();
    if (broken && e.handler == handler) e.handler.reset();
}

}  // namespace green::detail
