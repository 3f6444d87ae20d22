#pragma once

// Internal: what `serve` does, whatever is listened to and whoever handles it.

#include <green/core/errors.hpp>
#include <green/core/task.hpp>
#include <green/net/serve_options.hpp>
#include <green/sync/event.hpp>
#include <green/tasks/scope.hpp>
#include <green/tasks/spawn.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace green::detail {

/// A descriptor that is kept for the day when there are none left.
class reserve_descriptor {
public:
    reserve_descriptor() noexcept { take(); }
    reserve_descriptor(const reserve_descriptor&) = delete;
    reserve_descriptor& operator=(const reserve_descriptor&) = delete;
    ~reserve_descriptor() { give(); }

    bool held() const noexcept { return fd_ >= 0; }
    void give() noexcept;
    /// False if there is none to be had.
    bool take() noexcept;

private:
    int fd_ = -1;
};

/// Who is told that a handler failed.
class handler_failures {
public:
    virtual void operator()(std::exception_ptr error) = 0;

protected:
    ~handler_failures() = default;
};

/// The handlers of one `serve`, and how it ends. One scope has all tasks:
///
///     serve ── scope ─┬─ control ─┬─ accepting          accepting ──closed / cancelled / broken──►
///                     ├─ handler  ├─ until closed       draining ──all done / grace over──► ending
///                     ├─ handler  └─ until cancelled        └─cancelled─► draining, grace_on_cancel
///                     └─ …
///
/// From the end of accepting on, every handler has been asked to stop under a shield that keeps the
/// request from it, but for `this_task::cancel_requested()`; when the grace is over the shield goes. At
/// the end of a run, when shields no longer hold, that is what ends them.
class server final : private scope::supervisor {
public:
    /// `failures` null: a failure is reported as one that nobody handled.
    server(const serve_options& options, handler_failures* failures) noexcept;

    /// `accepting` accepts until the listener is of no use any more; `closed` ends when it was closed.
    /// Throws what `accepting` throws, after the handlers have ended.
    task<serve_report> run(task<> accepting, task<> closed);

    // --- for `accepting`
    /// Until one more connection is allowed.
    scope_idle place() noexcept;
    /// After an error the next try may succeed.
    static bool passes(const std::error_code& error) noexcept;
    /// After such an error: waits as long as seems right, not at all if the error was the peer's.
    task<> recover(std::error_code error);
    /// A connection was taken. False: it has to be closed at once, for its descriptor is the reserve.
    bool may_start() noexcept;
    void turned_away() noexcept;
    template <class F, class Stream>
    void start(F& handler, Stream peer) {
        auto const handle = [&handler](Stream s) { return call(handler, std::move(s)); };
        started(handle_access::task_of(
            spawn_in(*scheduler::current(), all_, place_of_coroutine, handle, std::move(peer))
        ));
    }

private:
    // supervisor
    void child_ended(green_task& child) noexcept override;
    bool ends_in_order() noexcept override;

    task<> control(task<> accepting, task<> closed);
    task<> drain(std::chrono::nanoseconds limit);
    task<> until_cancelled();
    void shelter_handlers() noexcept;
    void shelter(green_task& handler) noexcept;
    void end_handlers() noexcept;
    void started(green_task& handler) noexcept;
    void failed(green_task& handler) noexcept;
    void ended(green_task& control) noexcept;
    std::size_t connections() const noexcept { return all_.size() - 1; }  // without control

    serve_options options_;
    handler_failures* failures_;
    scope all_{"serve"};
    const green_task* control_ = nullptr;
    event cancelled_;
    bool sheltered_ = false;
    std::exception_ptr error_;  // of control
    serve_report report_;
    reserve_descriptor reserve_;
    std::chrono::nanoseconds pause_{0};  // after the last try to accept; 0: it succeeded
};

/// What is listened to: tcp_listener, unix_listener.
template <class L>
concept connection_listener = requires(L& l) {
    { l.accept() } -> awaitable;
    { l.closed() } -> awaitable;
};
template <connection_listener L>
using connection_of = await_result_t<decltype(std::declval<L&>().accept())>;

/// Until the listener is closed. **cancel:** total.
template <class L, class F>
task<> accept_connections(L& listener, F& handler, server& s) {
    for (;;) {
        co_await s.place();
        std::optional<connection_of<L>> peer;
        std::error_code error;
        try {
            peer.emplace(co_await listener.accept());
        } catch (const closed_error&) {
            co_return;
        } catch (const std::system_error& e) {
            error = e.code();
            if (!server::passes(error)) throw;
        }
        if (!peer) {
            co_await s.recover(error);
        } else if (s.may_start()) {
            s.start(handler, std::move(*peer));
        } else {
            peer.reset();
            s.turned_away();
        }
    }
}

}  // namespace green::detail
