#pragma once

// Internal: the machine behind `loop`. Public headers do not include it; it names libuv's types but
// does not need uv.h.

#include <green/core/scheduler.hpp>
#include <green/loop/birth_marks.hpp>
#include <green/loop/inbox.hpp>
#include <green/loop/loop.hpp>
#include <green/loop/run_options.hpp>
#include <green/loop/timer_queue.hpp>

#include <atomic>
#include <memory>
#include <vector>

struct uv_loop_s;

namespace green::detail {

/// Something that lives as long as a run, one per loop: the default resolver. Destroyed after the
/// last green task, before the libuv loop closes.
class loop_service {
public:
    virtual ~loop_service() = default;
};

//  One turn of the loop
//
//    posted calls ─► ready tasks, in chunks ─► due timers ─┐
//         ▲                                                │ nothing ready:
//         └──── uv_run(ONCE or NOWAIT) ◄── what to wait for? ──► nothing: deadlock
//
//  libuv's callbacks only store results and wake tasks; the tasks run when uv_run has returned. So
//  neither prepare nor check handles are needed, and a wake from any phase of libuv's iteration is
//  seen before the next poll. A callback of a descriptor may run some of them as its last act, while what
//  it has read is still in the processor's cache.

class loop_core final : public scheduler, public loop {
public:
    /// The core of this thread, running or not. It is never freed: other threads may hold it, and a
    /// later thread may take it over.
    static loop_core& of_this_thread();
    /// The core whose run is going on, or a std::logic_error that names `operation`.
    static loop_core& require(const char* operation) {
        return static_cast<loop_core&>(scheduler::require(operation));
    }
    static loop_core* current() noexcept { return static_cast<loop_core*>(scheduler::current()); }

    /// A run, in three steps: begin; start main as a task of root(); drive until it has ended and
    /// everything is closed. `drive` throws deadlock_error, or the first unhandled failure.
    void begin(const run_options& options);
    void drive(green_task& main);
    /// Closes a run that has no task left. `drive` does it.
    void close();

    clock::time_point now() const noexcept;
    /// When a task of this run was made; see birth_marks.
    clock::time_point born(task_id id) const noexcept {
        return births_.born(static_cast<std::uint64_t>(id));
    }
    timer_queue& timers() noexcept { return timers_; }
    uv_loop_s* native() noexcept;

    /// For the end of a libuv callback: runs a few ready tasks. Not under a virtual clock, where the
    /// order is to depend on nothing but the program, and not under observers, who look at whole polls.
    void run_after_event() noexcept;

    bool call_from_thread(remote_call& c) noexcept override;
    void unhandled(green_task& t) noexcept override;
    void unhandled(std::exception_ptr error, const char* where) noexcept override;

    /// Something is in flight whose end will reach this loop from outside libuv: no deadlock.
    void add_external() noexcept { external_.fetch_add(1, std::memory_order_relaxed); }
    void drop_external() noexcept { external_.fetch_sub(1, std::memory_order_relaxed); }
    /// The same from any thread, waking the loop so that it looks again.
    void drop_external_from_thread() noexcept;
    /// A job is in flight that is sure to end: virtual time stands still.
    void hold_clock() noexcept { ++clock_holds_; }
    void release_clock() noexcept {
        if (--clock_holds_ == 0) spin_ = {};
    }
    /// Until the jobs that are in flight now have ended, it looks for calls for so long before it sleeps.
    void spin_for(std::chrono::nanoseconds limit) noexcept { spin_ = limit; }

    /// The next random number of this run, from run_options::seed (SplitMix64: Steele, Lea and Flood,
    /// 2014).
    std::uint64_t draw() noexcept;

    /// The service of type S of this run, made on first use.
    template <class S>
    S& service() {
        static const char key = 0;
        if (loop_service* s = find_service(&key)) return static_cast<S&>(*s);
        auto made = std::make_unique<S>();
        S& ref = *made;
        services_.push_back({&key, std::move(made)});
        return ref;
    }

    void set_failure_handler(std::unique_ptr<failure_handler> h) noexcept {
        handler_ = std::move(h);
    }

    /// This is the child of a fork in one of the loop's tasks: the loop is the parent's.
    bool forked() const noexcept { return forked_; }
    static void handle_forks();

    /// The kernel's number of the thread that runs.
    int thread_id() const noexcept { return thread_id_; }

    // --- for the stall watchdog, from its thread
    /// What keeps the loop's thread now, in words; null while it looks for I/O.
    const char* activity() const noexcept {
        if (running()) return "a task";
        return calling_.load(std::memory_order_relaxed) ? "a function given to loop::post"
                                                        : nullptr;
    }
    /// How often it has begun with posted functions.
    std::uint64_t calls() const noexcept { return calls_.load(std::memory_order_relaxed); }

private:
    struct uv_part;
    struct grace_timer;
    struct end_of_queue;

    loop_core();
    ~loop_core();

    void note_births(clock::time_point now);
    void run_calls();
    void run(remote_call* oldest) noexcept;
    void watch_signals();
    void work();
    [[noreturn]] static void end_fork_child() noexcept;
    void run_chunks();
    bool wait();
    void poll(bool block) noexcept;
    void spin() const noexcept;
    bool poll_until_quiet() noexcept;
    bool io_active() const noexcept;
    void shut_down();
    void drain(grace_timer& grace);
    void wake_from_thread() noexcept;
    void report(unhandled_failure f) noexcept;
    loop_service* find_service(const void* key) noexcept;

    struct keyed_service {
        const void* key;
        std::unique_ptr<loop_service> object;
    };
    struct thread_slot;

    run_options options_;
    std::chrono::nanoseconds stalled_from_ =
        forever;  // a chunk that takes longer is told to the watchdog
    std::atomic<bool> calling_{false};
    std::atomic<std::uint64_t> calls_{0};
    std::unique_ptr<uv_part> uv_;
    timer_queue timers_;
    birth_marks births_;
    clock::time_point virtual_now_{};
    std::uint64_t random_ = 0;
    clock::time_point last_poll_{};
    clock::time_point first_event_{};  // of this poll that has run tasks; zero: none yet
    std::size_t event_budget_ = 0;  // tasks that events of this poll may still run
    std::size_t chunk_ = 16;
    alignas(cache_line) inbox<remote_call> inbox_;
    // Threads that may be about to send; below 0 for those that have, but whose calls are not taken yet.
    std::atomic<int> senders_{0};
    std::atomic<bool> asleep_{false};  // it waits, or is about to: a call has to wake it
    alignas(cache_line) std::atomic<std::int64_t> external_{0};
    std::int64_t clock_holds_ = 0;
    std::chrono::nanoseconds spin_{0};
    bool forked_ = false;
    std::vector<keyed_service> services_;
    std::unique_ptr<failure_handler> handler_;
    std::exception_ptr first_unhandled_;

    // All cores of the process, for debuggers (green-gdb.py); no one takes them off.
    static loop_core* registry;
    loop_core* next_core_ = nullptr;
    int thread_id_ = 0;  // the kernel's, of the thread that runs
};

}  // namespace green::detail
