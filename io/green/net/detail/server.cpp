#include <green/net/detail/server.hpp>

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/net/stream_error.hpp>
#include <green/tasks/shield.hpp>
#include <green/tasks/timeout.hpp>

#include <algorithm>
#include <cerrno>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

namespace green::detail {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds first_pause = 5ms;  // as in Go's net/http
constexpr std::chrono::nanoseconds longest_pause = 1s;

/// There is no descriptor, or no memory for one.
bool is_exhaustion(const std::error_code& error) noexcept {
    switch (error.value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: return true;
    default: return false;
    }
}

/// accept(2): errors of the new connection's network that are pending already; and a firewall's.
bool is_of_the_peer(const std::error_code& error) noexcept {
    switch (error.value()) {
    case ECONNABORTED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ENOPROTOOPT:
    case EPERM:
    case EPROTO:
    case ETIMEDOUT: return true;
    default: return false;
    }
}

bool is_disconnected_error(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const disconnected_error&) {
        return true;
    } catch (...) {
        return false;
    }
}

bool caller_stops() noexcept { return scheduler::current()->running()->must_stop(); }

}  // namespace

void reserve_descriptor::give() noexcept {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

bool reserve_descriptor::take() noexcept {
    if (fd_ < 0) fd_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    return held();
}

server::server(const serve_options& options, handler_failures* failures) noexcept
    : options_(options), failures_(failures) {
    if (options_.max_connections == 0)
        options_.max_connections = std::numeric_limits<std::size_t>::max();
    handlers_.set_supervisor(*this);
}

task<serve_report> server::run(task<> accepting, task<> closed) {
    scope listening("serve");
    listening.stop_at_first_end();
    listening.add(std::move(accepting));
    listening.add(std::move(closed));
    co_await listening;
    {
        scope draining("serve");
        draining.add(drain(options_.grace));
        co_await draining;
    }
    if (caller_stops() && handlers_.size() > 0 && options_.grace_on_cancel > 0ns) {
        shield_guard const guard;
        scope draining("serve");
        draining.add(drain(options_.grace_on_cancel));
        co_await draining;
    }
    handlers_.stop("serving has ended", std::source_location::current());
    co_await handlers_;
    listening.rethrow();
    co_return report_;
}

task<> server::drain(std::chrono::nanoseconds limit) {
    co_await move_on_after(limit, scope_idle(handlers_, 0, "serve: the end"));
}

scope_idle server::place() noexcept {
    return {handlers_, options_.max_connections - 1, "serve: a place among"};
}

bool server::passes(const std::error_code& error) noexcept {
    return is_exhaustion(error) || is_of_the_peer(error);
}

/// Peers stay in line meanwhile and are served when there are descriptors again, perhaps because one
/// of our own handlers has ended. If that does not help for long they are told so, one after each
/// pause: it is taken with the descriptor in reserve and closed.
task<> server::recover(std::error_code error) {
    if (!is_exhaustion(error)) co_return;
    ++report_.accept_errors;
    if (pause_ == longest_pause) reserve_.give();
    pause_ = pause_ == 0ns ? first_pause : std::min(2 * pause_, longest_pause);
    std::size_t const busy = handlers_.size();
    if (busy == 0) {
        co_await sleep_for(pause_);
    } else {
        co_await move_on_after(pause_, scope_idle(handlers_, busy - 1, "serve: a descriptor of"));
    }
}

bool server::may_start() noexcept {
    if (!reserve_.take()) return false;
    pause_ = 0ns;
    return true;
}

void server::turned_away() noexcept {
    ++report_.turned_away;
    reserve_.take();
}

void server::started() noexcept {
    ++report_.accepted;
    report_.peak = std::max(report_.peak, handlers_.size());
}

void server::child_ended(green_task& handler) noexcept {
    if (handler.was_cancelled())
        ++report_.cancelled;
    else if (handler.failed())
        failed(handler);
    else
        ++report_.served;
}

void server::failed(green_task& handler) noexcept {
    if (is_disconnected_error(handler.error())) {
        handler.mark_observed();
        ++report_.disconnected;
        return;
    }
    ++report_.failed;
    if (!failures_) return;  // reported when its last reference goes
    handler.mark_observed();
    try {
        (*failures_)(handler.error());
    } catch (...) {
        handler.owner().unhandled(std::current_exception(), "the on_error of serve");
    }
}

}  // namespace green::detail
