#include <green/loop/loop_core.hpp>

#include <green/core/errors.hpp>
#include <green/core/processor.hpp>
#include <green/loop/stall_monitor.hpp>
#include <green/loop/task_dump.hpp>
#include <green/loop/tracer.hpp>

#include <uv.h>

#include <algorithm>
#include <cassert>
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <poll.h>
#include <unistd.h>

namespace green {

clock::time_point clock::now() noexcept {
    if (detail::loop_core* core = detail::loop_core::current()) return core->now();
    return time_point(duration(static_cast<rep>(uv_hrtime())));
}

namespace detail {
namespace {

/// Milliseconds in a row without an event after which a virtual clock with open I/O jumps: enough for a
/// datagram between two sockets of this machine.
constexpr int quiet_rounds = 3;

/// While tasks are ready, I/O is looked for about this often.
constexpr std::chrono::microseconds poll_interval{50};
constexpr std::size_t smallest_chunk = 1;
constexpr std::size_t largest_chunk = 1024;
constexpr std::chrono::microseconds chunk_target{20};

/// How many tasks one event runs, so that the events behind it do not wait for long; and all events of
/// one poll, so that timers do not.
constexpr std::size_t tasks_per_event = 32;
constexpr std::size_t tasks_per_poll = 1024;

void check(int status, const char* operation) {
    if (status < 0) {
        throw std::system_error(
            -status, std::generic_category(), std::string("green: ") + operation
        );
    }
}

clock::time_point real_now() noexcept {
    return clock::time_point(clock::duration(static_cast<clock::rep>(uv_hrtime())));
}

}  // namespace

struct loop_core::uv_part {
    uv_loop_t loop;
    uv_async_t async;  // other threads' wake-up; referenced only while the loop waits for them
    uv_timer_t timer;  // the first deadline
    uv_prepare_t before_poll;
    uv_signal_t dump_signal;  // with run_options::dump_on_sigusr1
};

loop_core::loop_core() = default;
loop_core::~loop_core() = default;

// --- begin

void loop_core::begin(const run_options& options) {
    if (const loop_core* const other = current(); other && !other->forked()) {
        throw std::logic_error("green::run: a loop already runs on this thread; "
                               "co_await the task, or spawn it");
    }
    auto uv = std::make_unique<uv_part>();
    check(uv_loop_init(&uv->loop), "uv_loop_init");
    int const status = uv_async_init(&uv->loop, &uv->async, [](uv_async_t*) {});
    if (status < 0) {
        uv_loop_close(&uv->loop);
        check(status, "uv_async_init");
    }
    uv_timer_init(&uv->loop, &uv->timer);
    uv_unref(reinterpret_cast<uv_handle_t*>(&uv->async));
    uv_unref(reinterpret_cast<uv_handle_t*>(&uv->timer));
    // Before 1.45 libuv calls timers and then polls: for a task that one of them has made ready that must
    // not wait. uv_stop says so, and does no more. Of all prepare handles the first one is called last.
    uv_prepare_init(&uv->loop, &uv->before_poll);
    uv->before_poll.data = this;
    uv_prepare_start(&uv->before_poll, [](uv_prepare_t* p) {
        if (static_cast<loop_core*>(p->data)->has_ready()) uv_stop(p->loop);
    });
    uv_unref(reinterpret_cast<uv_handle_t*>(&uv->before_poll));
    uv_ = std::move(uv);

    options_ = options;
    thread_id_ = static_cast<int>(::gettid());
    virtual_now_ = {};
    random_ = options.seed;
    chunk_ = 16;
    clock_holds_ = 0;
    spin_ = {};
    enter();
    last_poll_ = real_now();
    births_.clear();
    births_.note(1, now());
    watch_signals();
    inbox_.open();
    tracer::instance().open_by_environment();
    if (trace_sink::active()) tracer::instance().attach(*this);
    bool const watched = options.stall_threshold.count() > 0 && !options.virtual_time;
    stalled_from_ = watched ? options.stall_threshold : forever;
    if (watched) stall_monitor::instance().watch(*this, options.stall_threshold);
}

void loop_core::watch_signals() {
    if (!options_.dump_on_sigusr1) return;
    uv_signal_init(&uv_->loop, &uv_->dump_signal);
    uv_->dump_signal.data = this;
    uv_unref(reinterpret_cast<uv_handle_t*>(&uv_->dump_signal));
    auto const dump = [](uv_signal_t* s, int) {
        auto& core = *static_cast<loop_core*>(s->data);
        std::string const text = "green: SIGUSR1: the tasks of this loop:\n" +
            dump_tasks(core.root());
        std::fputs(text.c_str(), stderr);
    };
    uv_signal_start(&uv_->dump_signal, dump, SIGUSR1);
}

// --- the turn

clock::time_point loop_core::now() const noexcept {
    return options_.virtual_time ? virtual_now_ : real_now();
}

uv_loop_s* loop_core::native() noexcept { return &uv_->loop; }

std::uint64_t loop_core::draw() noexcept {
    std::uint64_t z = random_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
}

void loop_core::note_births(clock::time_point now) { births_.note(spawned() + 1, now); }

/// A turn without its wait: what is posted, ready and due.
void loop_core::work() {
    if (inbox_.pending()) run_calls();
    run_chunks();
    if (forked_) [[unlikely]]
        end_fork_child();
}

void loop_core::run_calls() {
    clock::time_point const before = real_now();
    note_births(options_.virtual_time ? virtual_now_ : before);
    calls_.store(calls() + 1, std::memory_order_relaxed);
    calling_.store(true, std::memory_order_relaxed);
    run(inbox_.take());
    calling_.store(false, std::memory_order_relaxed);
    if (stalled_from_ == forever) return;
    auto const took = real_now() - before;
    if (took >= stalled_from_) stall_monitor::instance().went_on(*this, took);
}

void loop_core::run_chunks() {
    if (options_.virtual_time) {
        note_births(virtual_now_);
        // One snapshot of the queue, then what is due: the order depends on nothing but the program.
        run_snapshot();
        timers_.fire(virtual_now_);
        if (has_ready() && real_now() - last_poll_ >= poll_interval) poll(false);
        return;
    }
    // The clock is read once per chunk; a chunk is as many resumes as take some 20 µs, so reading it
    // costs nothing and neither deadlines nor I/O wait for long.
    clock::time_point before = real_now();
    note_births(before);
    do {
        std::size_t const ran = run_ready(chunk_);
        clock::time_point const after = real_now();
        timers_.fire(after);
        auto const took = after - before;
        if (took > chunk_target) {
            chunk_ = std::max(chunk_ / 2, smallest_chunk);
            if (took >= stalled_from_) stall_monitor::instance().went_on(*this, took);
        } else if (ran == chunk_) {
            chunk_ = std::min(chunk_ * 2, largest_chunk);
        }
        before = after;
    } while (has_ready() && before - last_poll_ < poll_interval);
    if (has_ready()) poll(false);
}

void loop_core::run_after_event() noexcept {
    if (!has_ready() || options_.virtual_time || observed()) return;
    if (first_event_ == clock::time_point()) {
        first_event_ = real_now();
        asleep_.store(false, std::memory_order_relaxed);  // this poll does not wait any more
        note_births(first_event_);
    }
    event_budget_ -= run_ready(std::min(tasks_per_event, event_budget_));
    if (forked_) [[unlikely]]
        end_fork_child();
}

bool loop_core::io_active() const noexcept { return uv_loop_alive(&uv_->loop) != 0; }

/// Nothing is ready: waits for I/O, another thread or the first deadline. False when nothing is left
/// that could ever make a task ready.
bool loop_core::wait() {
    bool const outside = io_active() || external_.load(std::memory_order_acquire) > 0;
    // A post from this thread woke nobody, and hides those that come after it. Looked at after
    // external_: who posts and then lets go of its guard has posted before the count fell.
    if (inbox_.pending()) {
        if (real_now() - last_poll_ >= poll_interval) poll(false);
        return true;
    }
    if (options_.virtual_time) {
        if (clock_holds_ > 0) {
            poll(true);
            return true;
        }
        if (outside && poll_until_quiet()) return true;
        if (!timers_.empty()) {
            virtual_now_ = std::max(virtual_now_, timers_.first());
            timers_.fire(virtual_now_);
            return true;
        }
        if (outside) poll(true);
        return outside;
    }
    if (timers_.empty()) {
        if (!outside && clock_holds_ == 0) return false;
        poll(true);
        return true;
    }
    // libuv counts in whole milliseconds of the same clock: rounded up, it is never early.
    auto const due = static_cast<std::uint64_t>(timers_.wake_at().time_since_epoch().count());
    std::uint64_t const due_ms = due / 1'000'000 + (due % 1'000'000 != 0 ? 1 : 0);
    std::uint64_t const loop_ms = uv_now(&uv_->loop);
    // uv_run looks at the time again. Before 1.45 it then runs a timer that has become due before it
    // polls, and would poll without end: uv_stop makes that poll not wait, and does no more.
    uv_timer_start(
        &uv_->timer, [](uv_timer_t* t) { uv_stop(t->loop); },
        due_ms > loop_ms ? due_ms - loop_ms : 0, 0
    );
    poll(true);
    return true;
}

/// For a virtual clock with open I/O: handles events until something is ready (true), or until none has
/// come for a few milliseconds. An event that wakes no task counts: a server of this process may have
/// sent what a client waits for.
///
/// A round waits for a millisecond at most. On a busy machine the millisecond may be over before libuv
/// has looked at a descriptor, and one that a callback has just opened is not even registered: so a
/// round is quiet only if nothing was pending before it, and it takes several in a row.
bool loop_core::poll_until_quiet() noexcept {
    bool timer_fired = false;
    uv_->timer.data = &timer_fired;
    uv_update_time(&uv_->loop);
    uv_timer_start(&uv_->timer, [](uv_timer_t* t) { *static_cast<bool*>(t->data) = true; }, 1, 1);
    pollfd events{};
    events.fd = uv_backend_fd(&uv_->loop);
    events.events = POLLIN;
    auto const woken = [this] { return has_ready() || inbox_.pending(); };
    for (int quiet = 0; quiet < quiet_rounds && !woken();) {
        bool const pending = ::poll(&events, 1, 0) != 0;
        timer_fired = false;
        poll(true);
        quiet = pending || !timer_fired ? 0 : quiet + 1;
    }
    uv_timer_stop(&uv_->timer);
    return woken();
}

/// A thread that sleeps takes long to wake: with a job that is about to end it may pay not to.
void loop_core::spin() const noexcept {
    auto const end = real_now() + spin_;
    while (!inbox_.pending() && real_now() < end) cpu_relax();
}

void loop_core::poll(bool block) noexcept {
    if (block && spin_.count() > 0) [[unlikely]]
        spin();
    if (observed()) [[unlikely]]
        observe([](task_observer& o) { o.polls(); });
    // With one of its handles referenced uv_run polls, even if there is nothing else.
    uv_ref(reinterpret_cast<uv_handle_t*>(&uv_->async));
    first_event_ = {};
    event_budget_ = tasks_per_poll;
    asleep_.store(block);
    // Whoever has pushed a call before that has not woken the loop.
    bool const wait = block && !inbox_.pending();
    uv_run(&uv_->loop, wait ? UV_RUN_ONCE : UV_RUN_NOWAIT);
    asleep_.store(false, std::memory_order_relaxed);
    uv_unref(reinterpret_cast<uv_handle_t*>(&uv_->async));
    last_poll_ = real_now();
    if (first_event_ != clock::time_point() && last_poll_ - first_event_ >= stalled_from_)
        stall_monitor::instance().went_on(*this, last_poll_ - first_event_);
    if (observed()) [[unlikely]]
        observe([](task_observer& o) { o.polled(); });
}

// --- calls from other threads

// One atomic step a call, and no system call unless the loop sleeps. `senders_` keeps close() from
// closing the async handle before somebody has sent: whoever pushed the first call counts it down, and
// the loop, which takes that call, counts it up.

bool loop_core::call_from_thread(remote_call& c) noexcept {
    using pushed = inbox<remote_call>::pushed;
    auto const result = inbox_.push(c);
    if (result == pushed::first) {
        if (asleep_.load()) uv_async_send(&uv_->async);
        senders_.fetch_sub(1, std::memory_order_release);
    }
    return result != pushed::refused;
}

void loop_core::run(remote_call* oldest) noexcept {
    if (oldest) senders_.fetch_add(1, std::memory_order_relaxed);
    while (oldest) {
        remote_call* const next = oldest->next;
        oldest->run();  // may free itself
        oldest = next;
    }
}

void loop_core::wake_from_thread() noexcept {
    // Sequentially consistent, as in close(): either this sees the closed inbox or close() sees this
    // sender.
    senders_.fetch_add(1, std::memory_order_seq_cst);
    if (!inbox_.is_closed()) uv_async_send(&uv_->async);
    senders_.fetch_sub(1, std::memory_order_release);
}

void loop_core::drop_external_from_thread() noexcept {
    external_.fetch_sub(1, std::memory_order_acq_rel);
    if (scheduler::current() != this) wake_from_thread();
}

// --- the end

/// Closes the inbox, the services and the libuv loop.
void loop_core::close() {
    // What was accepted runs; what that posts is refused, or a function that posts itself would keep
    // the loop open for ever.
    run(inbox_.take_and_close());
    while (root().size() > 0 && has_ready()) run_ready(static_cast<std::size_t>(-1));
    if (stalled_from_ != forever) stall_monitor::instance().unwatch(*this);
    if (observed()) tracer::instance().detach(*this);
    while (!services_.empty()) services_.pop_back();
    handler_.reset();
    while (senders_.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
    uv_close(reinterpret_cast<uv_handle_t*>(&uv_->async), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&uv_->timer), nullptr);
    uv_close(reinterpret_cast<uv_handle_t*>(&uv_->before_poll), nullptr);
    // Handles that objects of green's own have closed in their destructors end here; those that
    // somebody made on the native loop and forgot are closed, their memory stays theirs.
    uv_walk(
        &uv_->loop,
        [](uv_handle_t* h, void*) {
            if (!uv_is_closing(h)) uv_close(h, nullptr);
        },
        nullptr
    );
    uv_run(&uv_->loop, UV_RUN_DEFAULT);
    int const status = uv_loop_close(&uv_->loop);
    assert(status == 0);
    (void)status;
    uv_.reset();
    timers_.trim();
    leave();
}

loop_service* loop_core::find_service(const void* key) noexcept {
    for (auto& s : services_) {
        if (s.key == key) return s.object.get();
    }
    return nullptr;
}

}  // namespace detail
}  // namespace green
