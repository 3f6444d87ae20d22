#include <green/dns/detail/wire_core.hpp>

#include <algorithm>
#include <utility>

namespace green::detail {
namespace {

template <class Handle>
uv_handle_t* as_handle(Handle& handle) noexcept {
    return reinterpret_cast<uv_handle_t*>(&handle);
}

}  // namespace

wire_core::wire_core(uv_loop_t* on, const std::vector<address>& at, const wire_options& how)
    : loop(on), options(how) {
    for (const auto& server : at) {
        servers.push_back(std::make_unique<wire_server>(*this, server, options));
    }
    uv_timer_init(loop, &tick_);
    uv_timer_init(loop, &kick_);
    uv_prepare_init(loop, &flush_);
    add(tick_);
    add(kick_);
    add(flush_);
    uv_unref(as_handle(flush_));
}

template <class Handle>
void wire_core::add(Handle& handle) noexcept {
    handle.data = this;
    ++handles;
}

template <class Handle>
void wire_core::drop(Handle& handle) noexcept {
    uv_close(as_handle(handle), [](uv_handle_t* h) {
        static_cast<wire_core*>(h->data)->handle_closed();
    });
}

bool wire_core::start(wire_query& query, std::size_t server) noexcept {
    assert(!query.active() && server < servers.size());
    if (closing) return false;
    query.over_tcp_ = query.without_edns_ = false;
    query.server_ = servers[server].get();
    ++active;
    servers[server]->start(query);
    update_handles();
    return true;
}

/// Links an ended query to those to be reported.
void wire_core::finish(wire_query& query, wire_status status) noexcept {
    if (status == wire_status::answered) ++stats.answered;
    if (status == wire_status::timed_out) ++stats.timed_out;
    query.status = status;
    query.state_ = wire_query::state::done;
    done.push_back(query);
}

/// Takes an active query out of wherever it is.
void wire_core::forget(wire_query& query) noexcept {
    switch (query.state_) {
    case wire_query::state::idle: return;
    case wire_query::state::queued:
        query.server_->fifo.remove(query);
        --stats.queued;
        break;
    case wire_query::state::in_flight:
        query.slot_->query = nullptr;
        query.slot_ = nullptr;
        break;
    case wire_query::state::done: done.remove(query); break;
    case wire_query::state::reporting: reporting.remove(query); break;
    }
    query.state_ = wire_query::state::idle;
    query.server_ = nullptr;
    --active;
}

void wire_core::abandon(wire_query& query) noexcept {
    forget(query);
    ++stats.abandoned;
    update_handles();
}

bool wire_core::has_arrived(wire_query& query) noexcept {
    if (query.slot_) query.slot_->channel->look();
    update_handles();
    return query.state_ == wire_query::state::done || query.state_ == wire_query::state::reporting;
}

void wire_core::give_up(wire_query& query) noexcept {
    wire_slot* const slot = query.slot_;
    wire_server& server = *query.server_;
    forget(query);
    ++stats.timed_out;
    if (slot) server.lost(*slot);
    update_handles();
}

/// After every call of c-ares that was not made by `start`: first keep the windows full, then report.
void wire_core::after_ares() noexcept {
    for (const auto& server : servers) server->pump();
    flush();
    for (const auto& server : servers) server->sweep();
    report();
}

/// What the system says about a socket when something leaves it, c-ares hears when it reads.
void wire_core::flush() noexcept {
    while (!outbox.empty() && outbox.flush()) {
        for (const auto& server : servers) server->take_errors();
        for (const auto& server : servers) server->pump();
    }
    if (outbox.empty()) return;
    for (const auto& server : servers) server->await_room();
}

/// The outbox is sent before libuv waits, or with what comes from the socket before.
void wire_core::begin_flush() noexcept {
    if (!closing && !uv_is_active(as_handle(flush_))) uv_prepare_start(&flush_, on_flush);
}

void wire_core::on_flush(uv_prepare_t* prepare) {
    uv_prepare_stop(prepare);
    static_cast<wire_core*>(prepare->data)->after_ares();
}

/// Reports what has ended by now. What a completion starts and what ends at once is reported in a
/// later turn, so that a server that refuses everything cannot hold the loop.
void wire_core::report() noexcept {
    assert(!inside_ares);
    if (is_reporting_) return;
    is_reporting_ = true;
    while (wire_query* const query = done.pop_front()) {
        query->state_ = wire_query::state::reporting;
        reporting.push_back(*query);
    }
    if (!reporting.empty()) {
        auto const now = clock::now();  // of all: to read the clock takes as long as to report one
        while (wire_query* const query = reporting.front()) {
            forget(*query);
            query->completed(now);
        }
    }
    is_reporting_ = false;
    update_handles();
}

void wire_core::update_handles() noexcept {
    if (closing) return;
    if (stats.in_flight != 0 && !uv_is_active(as_handle(tick_))) {
        auto const period =
            static_cast<std::uint64_t>(std::max<std::int64_t>(options.tick.count(), 1));
        uv_timer_start(&tick_, on_tick, period, period);
    }
    // An idle engine lets the loop end, also when abandoned queries are still in flight.
    if (active != 0)
        uv_ref(as_handle(tick_));
    else
        uv_unref(as_handle(tick_));
    if (is_reporting_ || uv_is_active(as_handle(kick_))) return;
    auto const can_send = [](const auto& server) { return server->can_send(); };
    if (done.empty() && std::none_of(servers.begin(), servers.end(), can_send)) return;
    uv_timer_start(&kick_, on_kick, 0, 0);
}

void wire_core::on_tick(uv_timer_t* timer) {
    auto& core = *static_cast<wire_core*>(timer->data);
    for (const auto& server : core.servers) server->tick();
    core.after_ares();
    if (core.stats.in_flight == 0) uv_timer_stop(timer);
}

void wire_core::on_kick(uv_timer_t* timer) { static_cast<wire_core*>(timer->data)->after_ares(); }

void wire_core::close() noexcept {
    if (closing) return;
    closing = true;
    for (const auto& server : servers) server->close();
    drop(tick_);
    drop(kick_);
    drop(flush_);
    // Inside a completion the loop that called it goes on with these.
    while (wire_query* const query = done.pop_front()) {
        query->state_ = wire_query::state::reporting;
        reporting.push_back(*query);
    }
    report();
}

void wire_core::release() noexcept {
    released_ = true;
    // Nobody is to hear of what is still active.
    for (const auto& server : servers) server->forget_all();
    while (wire_query* const query = done.front()) forget(*query);
    while (wire_query* const query = reporting.front()) forget(*query);
    if (handles == 0)
        delete this;
    else
        close();
}

void wire_core::handle_closed() noexcept {
    if (--handles != 0 || !closing) return;
    if (closed) std::exchange(closed, nullptr)(closed_argument);
    if (released_) delete this;
}

}  // namespace green::detail
