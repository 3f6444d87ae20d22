#pragma once

#include <green/core/config.hpp>
#include <green/core/frame_pool.hpp>
#include <green/core/intrusive_list.hpp>
#include <green/core/leaf.hpp>
#include <green/core/nursery.hpp>

#include <cassert>
#include <coroutine>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

//  Who owns what
//
//    nursery (a combinator's scope, or the loop's root)
//       │ children
//       ▼
//    green_task ◄── join_handle (counted references; the nursery holds one while the task lives)
//       │ outcome: value | exception | cancelled
//       │ owns the outermost frame
//       ▼
//    frame f ── awaiter of g, in f's frame, owns ──► frame g ── … ──► leaf, in the innermost frame
//       ▲                                              │
//       └───────────── promise.parent ◄────────────────┘
//
//  A green task is in one of these states; every arrow is one function below:
//
//    created ──start──► running ──suspend──► suspended ──wake──► ready ──dispatch──► running
//       │                  │  └──root frame ended──► ended        │ leaf confirmed a cancel
//       │ cancelled        └──co_await after a cancel──► unwinding ◄┘──► ended
//       └──────────────────────────────────────────────────────► ended

namespace green {

/// Number of a green task, unique in its loop's run. 0 is no task; 1 is main.
enum class task_id : std::uint64_t { none = 0 };

namespace detail {

class scheduler;
class promise_base;
struct local_values;

enum class task_state : std::uint8_t { created, ready, running, suspended, unwinding, ended };

/// One who wants to know that a green task has ended; in the task's FIFO of joiners.
class joiner : public list_node<joiner> {
public:
    /// Called from the loop after the node is unlinked.
    virtual void task_ended(green_task& t) noexcept = 0;

protected:
    ~joiner() = default;
};

/// The frames that an exception has left, innermost first. Filled on the error path only.
struct failure_trace {
    const void* exception;  // its identity; the trace does not keep it alive
    std::vector<std::source_location> frames;
};

/// What few green tasks have: allocated on first use, in one block.
struct task_extras {
    std::string name;
    std::optional<cancel_request> cancel;
    std::optional<failure_trace> failure;
    std::shared_ptr<local_values> locals;  // shared with the tasks it was inherited from and by

    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept {
        frame_pool::release(p, size);
    }
};

/// The control block of a green task. Loop-affine.
class green_task : public list_node<green_task> {
public:
    /// `root`: the outermost frame, at its initial suspension; null if there is only a callable yet.
    green_task(scheduler& s, std::source_location spawned_at, promise_base* root = nullptr);
    green_task(const green_task&) = delete;
    green_task& operator=(const green_task&) = delete;

    static void* operator new(std::size_t size) { return frame_pool::allocate(size); }
    static void operator delete(void* p, std::size_t size) noexcept {
        frame_pool::release(p, size);
    }

    // --- identity
    task_id id() const noexcept { return id_; }
    std::source_location spawned_at() const noexcept { return spawned_at_; }
    std::string_view name() const noexcept;
    void set_name(std::string_view name);
    /// `#3 'worker'`, or `#3` without a name.
    std::string label() const;

    // --- outcome
    task_state state() const noexcept { return state_; }
    bool ended() const noexcept { return state_ == task_state::ended; }
    bool was_cancelled() const noexcept { return cancelled_; }
    bool failed() const noexcept { return ended() && !cancelled_ && error() != nullptr; }
    /// Order in which tasks of this loop ended. Valid once ended.
    std::uint64_t ended_at() const noexcept { return sequence_; }
    virtual std::exception_ptr error() const noexcept = 0;
    /// Someone has looked at the outcome: a failure is no longer reported as unhandled.
    void mark_observed() noexcept { observed_ = true; }
    /// The text of the cancelled_error that a joiner of this cancelled task gets.
    std::string cancelled_text() const;
    const failure_trace* failure() const noexcept {
        return extras_ && extras_->failure ? &*extras_->failure : nullptr;
    }

    // --- cancellation
    /// False once ended. The first reason stays.
    bool request_cancel(std::string_view reason, std::source_location where) noexcept;
    bool cancel_requested() const noexcept { return cancel_requested_; }
    const cancel_request* cancel_reason() const noexcept {
        return extras_ && extras_->cancel ? &*extras_->cancel : nullptr;
    }
    /// A cancel was asked for and no shield holds it back: the next suspension unwinds.
    bool must_stop() const noexcept { return must_stop_; }
    void enter_shield() noexcept;
    void leave_shield() noexcept;
    bool shielded() const noexcept { return shields_ != 0; }
    /// At the end of a run, when the grace period is over: shields no longer hold.
    void force_cancel() noexcept;
    /// Asks the leaf of a suspended task to end, once, if the task must stop.
    void deliver_cancel() noexcept;

    // --- task-local values: what they are is the business of tasks/task_local.hpp
    const local_values* locals() const noexcept {
        return extras_ ? extras_->locals.get() : nullptr;
    }
    std::shared_ptr<local_values>& own_locals() { return extras().locals; }

    // --- scheduling
    /// The leaf of a suspended task is through: the task resumes with its result, from the ready
    /// queue. Also allowed from inside the leaf's own `await_suspend`.
    void wake() noexcept;
    /// The same for a leaf that said "still in flight" to a cancel and has now ended because of it:
    /// the task is unwound. One that was not asked to stop resumes.
    void wake_cancelled() noexcept;
    /// Called by the awaiter that suspends the task, before the leaf's `await_suspend`.
    void suspend_on(leaf& l, promise_base& frame) noexcept {
        assert(state_ == task_state::running);
        state_ = task_state::suspended;
        leaf_ = &l;
        frame_ = &frame;
        l.waiter_ = this;
    }
    /// The awaiter of a leaf that did not suspend after all.
    void unsuspend() noexcept { state_ = task_state::running; }
    /// Goes to the back of the ready queue; `frame` is resumed from there.
    void requeue(promise_base& frame) noexcept;
    /// The frames from `frame` outwards are destroyed as soon as the current resume has returned.
    void unwind_from(promise_base& frame) noexcept {
        frame_ = &frame;
        state_ = task_state::unwinding;
    }
    /// The outermost frame reached its end. It is destroyed as soon as the current resume has returned.
    void root_ended(promise_base& root) noexcept {
        frame_ = &root;
        state_ = task_state::ended;
    }

    // --- structure
    nursery* home() const noexcept { return ended() ? nullptr : home_; }
    intrusive_list<joiner>& joiners() noexcept { return joiners_; }
    leaf* waiting_on() const noexcept { return state_ == task_state::suspended ? leaf_ : nullptr; }
    /// Where the task is suspended or, if it runs, where it is; null before its first step.
    const promise_base* frame() const noexcept;
    scheduler& owner() const noexcept { return *scheduler_; }

    /// Somebody holds a reference beside the caller.
    bool shared() const noexcept { return refs_ > 1; }
    void add_ref() noexcept { ++refs_; }
    void drop_ref() noexcept {
        if (--refs_ == 0) last_ref_dropped();
    }

protected:
    virtual ~green_task() = default;

    /// The task is made from a callable: the two functions below are called.
    void begin_with_callable() noexcept { has_callable_ = true; }
    /// First step: makes the outermost frame, which it leaves at its initial suspension.
    virtual promise_base& make_root() = 0;
    /// Destroys the callable, when the frames are gone.
    virtual void drop_callable() noexcept = 0;
    virtual void set_error(std::exception_ptr e) noexcept = 0;
    /// Shows the task at the place of its coroutine when its spawner gave none.
    void place_at(std::source_location coroutine) noexcept {
        if (spawned_at_.line() == 0) spawned_at_ = coroutine;
    }

private:
    friend class scheduler;
    friend class nursery;
    friend class promise_base;

    void update_must_stop() noexcept {
        must_stop_ = cancel_requested_ && (shields_ == 0 || shields_off_);
    }
    void unwind() noexcept;
    void inherit_locals(const green_task& spawner) { own_locals() = spawner.extras_->locals; }
    void drop_locals() noexcept;
    void last_ref_dropped() noexcept;
    [[gnu::noinline]] void report_unobserved() noexcept;
    task_extras& extras();

    union {
        green_task* next_ready_ = nullptr;  // in the ready queue
        leaf* leaf_;  // suspended: what it waits for
    };
    scheduler* scheduler_;
    promise_base* frame_;  // innermost suspended frame; created: the outermost, if it is there
    union {
        nursery* home_ = nullptr;
        std::uint64_t sequence_;  // ended
    };
    intrusive_list<joiner> joiners_;
    task_extras* extras_ = nullptr;  // owned; deleted by last_ref_dropped
    task_id id_;
    std::source_location spawned_at_;
    std::uint32_t refs_ = 0;
    std::uint16_t shields_ = 0;
    task_state state_ = task_state::created;
    bool cancel_requested_ : 1 = false;
    bool must_stop_ : 1 = false;
    bool leaf_asked_ : 1 = false;  // cancel() of the present leaf said: still in flight
    bool cancelled_ : 1 = false;
    bool observed_ : 1 = false;
    bool shields_off_ : 1 = false;  // force_cancel() was called
    bool has_callable_ : 1 = false;
    [[maybe_unused]] bool spare_ : 1 =
        false;  // all eight, so that a constructor need not read them
};

/// A counted reference to a green task of type T (green_task or a class derived from it).
template <class T>
class task_ref {
public:
    task_ref() = default;
    explicit task_ref(T* t) noexcept : task_(t) {
        if (task_) task_->add_ref();
    }
    task_ref(const task_ref& o) noexcept : task_ref(o.task_) {}
    task_ref(task_ref&& o) noexcept : task_(std::exchange(o.task_, nullptr)) {}
    task_ref& operator=(task_ref o) noexcept {
        std::swap(task_, o.task_);
        return *this;
    }
    ~task_ref() {
        if (task_) task_->drop_ref();
    }

    T* get() const noexcept { return task_; }
    /// The caller drops the reference.
    T* release() noexcept { return std::exchange(task_, nullptr); }
    T* operator->() const noexcept { return task_; }
    T& operator*() const noexcept { return *task_; }
    explicit operator bool() const noexcept { return task_ != nullptr; }

private:
    T* task_ = nullptr;
};

}  // namespace detail
}  // namespace green
