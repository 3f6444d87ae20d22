#pragma once

#include <green/core/scheduler.hpp>
#include <green/core/time.hpp>
#include <green/loop/stall_report.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <new>
#include <source_location>
#include <string>
#include <utility>

namespace green {

namespace detail {
class loop_core;
class stall_monitor;
}  // namespace detail

/// A failure that nobody looked at: of a task whose last handle is gone, or of a callback.
struct unhandled_failure {
    std::exception_ptr error;
    /// A few lines for people: which task, where it was spawned, the await chain, `what()`.
    std::string report;
};

/// The event loop of a thread that is inside `run()`. Found with `this_loop()`.
///
/// The object outlives the run: a thread may keep the reference and call `post` at any time. It belongs
/// to the thread that runs it, so a later `run` there opens it again; once that thread has ended, a
/// thread that begins later may have it.
/// Everything but `post` and `keep_alive` belongs to the loop's own thread.
class loop {
public:
    /// Runs `f()` on the loop's thread, soon, in the order of the calls of each thread. From any
    /// thread. False, and `f` is destroyed unrun, once the loop is closed (or if there is no memory
    /// for it); what was accepted does run. An exception that leaves `f` is an unhandled failure.
    /// Many posts cost one wake-up. Model: trio.lowlevel.TrioToken.run_sync_soon.
    template <class F>
    bool post(F f) noexcept;

    /// While it lives, the loop takes it that something outside may still call `post`, and does not
    /// report a deadlock. May be destroyed on any thread. Model: boost::asio work guard.
    class work_guard {
    public:
        work_guard(work_guard&& o) noexcept : loop_(std::exchange(o.loop_, nullptr)) {}
        work_guard& operator=(work_guard&& o) noexcept {
            std::swap(loop_, o.loop_);
            return *this;
        }
        ~work_guard();

    private:
        friend class loop;
        explicit work_guard(loop& l) noexcept : loop_(&l) {}
        loop* loop_;
    };
    work_guard keep_alive() noexcept;

    /// Who gets the failures that nobody handled, for the rest of this run. Without one they are
    /// printed to stderr, and `run` throws the first of them when main has ended well. An exception
    /// that leaves the handler brings that default back.
    template <class F>
    void on_unhandled(F handler);

    /// Who gets the reports of the stall watchdog (`run_options::stall_threshold`) for the rest of this
    /// run, a `const stall_report&` each. Without one they are printed to stderr. Called on the
    /// watchdog's own thread, while the loop is stuck: to touch anything of the loop it has to `post`.
    /// The run does not end before it has returned. An exception that leaves it is printed, and brings
    /// the default back.
    template <class F>
    void on_stall(F handler);

    loop(const loop&) = delete;
    loop& operator=(const loop&) = delete;

protected:
    loop() = default;
    ~loop() = default;

    struct failure_handler {
        virtual ~failure_handler() = default;
        virtual void operator()(const unhandled_failure& f) = 0;
    };
    struct stall_handler {
        virtual ~stall_handler() = default;
        virtual void operator()(const stall_report& r) = 0;
    };

private:
    friend class detail::stall_monitor;
    template <class F>
    struct posted;

    bool call(detail::remote_call& c) noexcept;
    void report_posted_failure() noexcept;
    void set_handler(std::unique_ptr<failure_handler> h) noexcept;
    void set_handler(std::shared_ptr<stall_handler> h) noexcept;
};

/// The loop that runs on this thread; std::logic_error outside `run()`.
loop& this_loop();

template <class F>
struct loop::posted final : detail::remote_call {
    posted(loop& l, F&& f) : owner(l), function(std::move(f)) {}
    void run() noexcept override {
        try {
            function();
        } catch (...) {
            owner.report_posted_failure();
        }
        delete this;
    }
    loop& owner;
    F function;
};

template <class F>
bool loop::post(F f) noexcept {
    auto* const c = new (std::nothrow) posted<F>(*this, std::move(f));
    if (!c) return false;
    if (call(*c)) return true;
    delete c;
    return false;
}

template <class F>
void loop::on_unhandled(F handler) {
    struct erased final : failure_handler {
        explicit erased(F&& f) : function(std::move(f)) {}
        void operator()(const unhandled_failure& f) override { function(f); }
        F function;
    };
    set_handler(std::unique_ptr<failure_handler>(new erased(std::move(handler))));
}

template <class F>
void loop::on_stall(F handler) {
    struct erased final : stall_handler {
        explicit erased(F&& f) : function(std::move(f)) {}
        void operator()(const stall_report& r) override { function(r); }
        F function;
    };
    set_handler(std::shared_ptr<stall_handler>(new erased(std::move(handler))));
}

}  // namespace green
