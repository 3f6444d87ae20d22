#include <green/net/detail/server.hpp>

#include <green/core/errors.hpp>
#include <green/loop/sleep.hpp>
#include <green/net/stream_error.hpp>
#include <green/net/tls_error.hpp>
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

/// The peer has gone, or cannot speak TLS with us: nobody's failure here.
bool is_loss_of_peer(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const disconnected_error&) {
        return true;
    } catch (const tls_error& e) {
        return e.code() != tls_errc::bad_configuration && e.code() != tls_errc::unavailable;
    } catch (...) {
        return false;
    }
}

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
    all_.set_supervisor(*this);
}

task<serve_report> server::run(task<> accepting, task<> closed) {
    auto const control_task = all_.add(control(std::move(accepting), std::move(closed)));
    control_ = control_task.get();
    co_await all_;
    if (error_) std::rethrow_exception(error_);
    co_return report_;
}

task<> server::control(task<> accepting, task<> closed) {
    scope listening("serve: accepting");
    listening.stop_at_first_end();
    listening.add(until_cancelled());
    listening.add(std::move(closed));
    listening.add(std::move(accepting));
    co_await listening;
    shelter_handlers();
    if (!cancelled_.is_set()) {
        scope draining("serve: draining");
        draining.stop_at_first_end();
        draining.add(drain(options_.grace));
        draining.add(until_cancelled());
        co_await draining;
    }
    if (cancelled_.is_set()) co_await drain(options_.grace_on_cancel);
    end_handlers();
    listening.rethrow();
}

task<> server::drain(std::chrono::nanoseconds limit) {
    co_await move_on_after(limit, scope_idle(all_, 1, "serve: the end"));
}

task<> server::until_cancelled() { co_await cancelled_.wait(); }

/// The task that serves is to stop.
bool server::ends_in_order() noexcept {
    if (options_.grace_on_cancel <= 0ns) {
        // What shelters would hold the cancel back.
        end_handlers();
        return false;
    }
    cancelled_.set();
    shelter_handlers();
    return true;
}

void server::shelter_handlers() noexcept {
    if (sheltered_) return;
    sheltered_ = true;
    for (green_task* t = all_.children().front(); t; t = all_.children().after(*t)) {
        if (t != control_) shelter(*t);
    }
}

void server::shelter(green_task& handler) noexcept {
    handler.enter_shield();
    handler.request_cancel("serving ends", handler.spawned_at());
}

void server::end_handlers() noexcept {
    if (!std::exchange(sheltered_, false)) return;
    for (green_task* t = all_.children().front(); t; t = all_.children().after(*t)) {
        if (t == control_) continue;
        t->leave_shield();
        t->deliver_cancel();
    }
}

scope_idle server::place() noexcept {
    return {all_, options_.max_connections, "serve: a place beside"};
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
    if (connections() == 0) {
        co_await sleep_for(pause_);
    } else {
        scope_idle const one_less(all_, all_.size() - 1, "serve: a descriptor of");
        co_await move_on_after(pause_, one_less);
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

void server::started(green_task& handler) noexcept {
    ++report_.accepted;
    report_.peak = std::max(report_.peak, connections());
    // Taken in the very turn in which accepting was ended:
    if (sheltered_) shelter(handler);
    if (all_.stopped()) handler.request_cancel("serving has ended", handler.spawned_at());
}

void server::child_ended(green_task& child) noexcept {
    if (&child == control_) {
        ended(child);
    } else if (child.was_cancelled()) {
        ++report_.cancelled;
    } else if (child.failed()) {
        failed(child);
    } else {
        ++report_.served;
    }
}

void server::ended(green_task& control) noexcept {
    if (!control.failed()) return;
    // Nobody is left who would end the others.
    control.mark_observed();
    error_ = control.error();
    end_handlers();
    all_.stop("serving has failed", std::source_location::current());
}

void server::failed(green_task& handler) noexcept {
    if (is_loss_of_peer(handler.error())) {
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
