#pragma once

#include <green/core/abandon_watch.hpp>
#include <green/core/green_task.hpp>
#include <green/core/task_observer.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <vector>

namespace green::detail {

/// FIFO of green tasks that can go on, linked through the tasks themselves.
class ready_queue {
public:
    bool empty() const noexcept { return head_ == nullptr; }

    friend class scheduler;

private:
    green_task* head_ = nullptr;
    green_task* tail_ = nullptr;
};

/// A call that another thread hands to a loop; its memory belongs to the caller until it has run.
class remote_call {
public:
    virtual void run() noexcept = 0;

    remote_call* next = nullptr;

protected:
    ~remote_call() = default;
};

/// The part of a loop that coroutines touch: who runs, who is ready, the budget. It resumes green
/// tasks and nothing else does.
class scheduler : private nursery {
public:
    /// Steps from frame to frame without a return to the ready queue. Bounds the stack in builds
    /// without tail calls, and the time that one always-ready task can hold the loop.
    static constexpr std::int32_t steps_per_dispatch = 256;

    scheduler() = default;

    /// The scheduler of the loop that runs on this thread, or null.
    static scheduler* current() noexcept { return current_; }
    /// The same, or a std::logic_error that names `operation`.
    static scheduler& require(const char* operation) {
        if (!current_) [[unlikely]]
            throw_no_loop(operation);
        return *current_;
    }

    green_task* running() const noexcept { return running_.load(std::memory_order_relaxed); }
    /// The frame in which the running task is; its parents wait for it. Also for a signal handler.
    const promise_base* innermost() const noexcept {
        return innermost_.load(std::memory_order_relaxed);
    }
    /// Steps of tasks so far. With `running()` it tells another thread whether the loop is stuck in one.
    std::uint64_t resumes() const noexcept { return resumes_.load(std::memory_order_relaxed); }
    std::uint64_t spawned() const noexcept { return ids_; }
    std::uint64_t ended() const noexcept { return ended_; }

    /// Debug builds look whether the caller is on the loop's thread; when no run goes on, any thread
    /// may hold what the last one left behind.
    void check_thread() const {
#ifndef NDEBUG
        if (current_ != this && open_.load(std::memory_order_relaxed)) throw_wrong_thread();
#endif
    }

    /// Counts one step; false when the budget is used up and the step must go through the queue.
    bool take_step() noexcept { return --budget_ > 0; }
    /// The same for the step into another frame of the running task. Who transfers to a frame says so:
    /// the frame that is left may be gone when somebody asks where the task is.
    bool step_into(promise_base& frame) noexcept {
        innermost_.store(&frame, std::memory_order_relaxed);
        return --budget_ > 0;
    }
    bool budget_left() const noexcept { return budget_ > 0; }

    void push_ready(green_task& t) noexcept {
        t.next_ready_ = nullptr;
        if (ready_.tail_) {
            ready_.tail_->next_ready_ = &t;
        } else {
            ready_.head_ = &t;
        }
        ready_.tail_ = &t;
    }
    bool has_ready() const noexcept { return !ready_.empty(); }

    /// Runs tasks that are ready, also those that become so meanwhile, at most `limit`. Returns how many.
    std::size_t run_ready(std::size_t limit) noexcept;
    /// Runs the tasks that are ready now; those that become ready meanwhile wait for the next call.
    void run_snapshot() noexcept;

    /// Hands a new task to its owner and to the ready queue.
    void start(green_task& t, nursery& home) noexcept {
        home.adopt(t);
        t.add_ref();
        push_ready(t);
        if (attention_) [[unlikely]]
            started(t, home);
    }

    nursery& root() noexcept { return *this; }
    const nursery& root() const noexcept { return *this; }
    task_id next_id() noexcept { return static_cast<task_id>(++ids_); }

    /// From any thread: `c.run()` will be called on the loop's thread, in order. False, and nothing
    /// happens, once the loop is closed.
    virtual bool call_from_thread(remote_call& c) noexcept = 0;

    /// A failure that nobody will look at any more.
    virtual void unhandled(green_task& t) noexcept = 0;
    /// The same for a callback that has no task.
    virtual void unhandled(std::exception_ptr error, const char* where) noexcept = 0;

    /// Before the next step of a task the observer is told that it is attached. It is removed before it
    /// is destroyed, at the latest by the end of the run.
    void add_observer(task_observer& o);
    void remove_observer(task_observer& o) noexcept;

    /// Until `forget`. It is told when tasks are abandoned, and is forgotten then.
    void watch_abandon(abandon_watch& w) noexcept { abandon_watches_.push_back(w); }
    void forget(abandon_watch& w) noexcept { abandon_watches_.remove(w); }

    // The parts of nursery that the loop itself needs.
    using nursery::children;
    using nursery::size;

protected:
    virtual ~scheduler() = default;

    /// Begins a run on this thread, and ends it.
    void enter() noexcept;
    void leave() noexcept;

    /// `main` is unwound after all others of the root: they often refer to what is in its frames. It
    /// waits for `unwind_main` when it is cancelled.
    void set_main(green_task& main) noexcept { main_ = &main; }
    bool main_waits() const noexcept { return main_waits_; }
    void unwind_main() noexcept;

    // The end of a run.
    using nursery::cancel_children;
    /// From now on a task is cancelled before its first step.
    void stop_starting() noexcept { closing_ = attention_ = true; }
    /// Cancels every task that has been asked to stop, shield or not.
    void force_cancel_all() noexcept;
    /// Forgets the tasks that are left. Their frames are never destroyed: something may still point
    /// into them, and a wake that still comes finds them ended.
    void abandon_all() noexcept;
    /// In the child of a fork: from now on no task becomes ready. `end` is never dispatched.
    void swallow_ready(green_task& end) noexcept {
        ready_.head_ = nullptr;
        ready_.tail_ = &end;  // what is pushed is linked behind it, where nobody looks
    }

    /// Calls `f(observer)` for all that are attached; they may remove themselves.
    template <class F>
    void observe(F f) noexcept {
        // NOLINTNEXTLINE(modernize-loop-convert): observers may come and go meanwhile
        for (std::size_t i = 0; i < observers_.size(); ++i) {
            if (observers_[i].object && observers_[i].attached) f(*observers_[i].object);
        }
    }
    bool observed() const noexcept { return observed_; }

private:
    friend class green_task;

    [[noreturn]] static void throw_no_loop(const char* operation);
    [[noreturn]] static void throw_wrong_thread();
    void started(green_task& t, nursery& home) noexcept;
    void attach_observers() noexcept;
    green_task& pop_ready() noexcept;
    void dispatch(green_task& t) noexcept;
    void dispatch_observed(green_task& t) noexcept;
    void step(green_task& t) noexcept;
    void begin(green_task& t) noexcept;
    [[gnu::noinline]] static promise_base* call(green_task& t) noexcept;
    void conclude(green_task& t) noexcept;
    void abandon(green_task& t) noexcept;
    void child_ended(green_task&) noexcept final {}
    green_task* parent() const noexcept final { return nullptr; }

    struct observer_entry {
        task_observer* object;  // null: removed
        bool attached;
    };

    // Written by the loop's thread, with plain stores; a watchdog's thread or a signal handler reads.
    std::atomic<green_task*> running_{nullptr};
    std::atomic<promise_base*> innermost_{nullptr};
    std::atomic<std::uint64_t> resumes_{0};
    intrusive_list<abandon_watch> abandon_watches_;
    green_task* main_ = nullptr;
    bool main_waits_ = false;
    std::int32_t budget_ = 0;
    ready_queue ready_;
    std::uint64_t ids_ = 0;
    std::uint64_t ended_ = 0;
    scheduler* outer_ = nullptr;  // of a parent process, to which a child comes back
    bool closing_ = false;
    bool attention_ = false;  // closing, or observed
    bool observed_ = false;  // there are observers
    std::vector<observer_entry> observers_;
    std::atomic<bool> open_{false};

    static thread_local constinit scheduler* current_ __attribute__((tls_model("initial-exec")));
};

inline green_task::green_task(scheduler& s, std::source_location spawned_at, promise_base* root)
    : scheduler_(&s), frame_(root), id_(s.next_id()), spawned_at_(spawned_at) {
    const green_task* const spawner = s.running();
    if (spawner && spawner->locals()) [[unlikely]]
        inherit_locals(*spawner);
}

inline const promise_base* green_task::frame() const noexcept {
    return state_ == task_state::running ? scheduler_->innermost() : frame_;
}

inline void nursery::adopt(green_task& child) noexcept {
    child.home_ = this;
    children_.push_back(child);
    ++size_;
}

inline void nursery::remove(green_task& child) noexcept {
    children_.remove(child);
    --size_;
}

inline void green_task::requeue(promise_base& frame) noexcept {
    frame_ = &frame;
    state_ = task_state::ready;
    scheduler_->push_ready(*this);
}

inline void green_task::wake() noexcept {
    if (state_ == task_state::ended) [[unlikely]]
        return;  // abandoned at the end of its run
    assert(state_ == task_state::suspended);
    leaf_asked_ = false;
    state_ = task_state::ready;
    scheduler_->push_ready(*this);
}

}  // namespace green::detail
