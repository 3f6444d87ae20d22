#include <green/dns/detail/wire_core.hpp>

#include <algorithm>
#include <utility>

namespace green::detail {

wire_core::wire_core(
    uv_loop_t* on, const std::vector<address>& servers, const wire_options& options
)
    : loop(on),
      tick_ms_(static_cast<std::uint64_t>(std::max<std::int64_t>(options.tick.count(), 1))) {
    for (const auto& server : servers) {
        channels.push_back(std::make_unique<wire_channel>(*this, server, options));
    }
    for (uv_timer_t* timer : {&tick_, &kick_}) {
        uv_timer_init(loop, timer);
        timer->data = this;
        ++handles;
    }
}

bool wire_core::start(wire_query& query, std::size_t server) noexcept {
    assert(!query.active() && server < channels.size());
    if (closing) return false;
    wire_channel& channel = *channels[server];
    query.channel_ = &channel;
    query.answer = {};
    query.packet.clear();
    ++active;
    if (channel.has_room() && channel.fifo.empty()) {
        channel.send(query);
    } else {
        query.state_ = wire_query::state::queued;
        channel.fifo.push_back(query);
        ++stats.queued;
    }
    update_timers();
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
        query.channel_->fifo.remove(query);
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
    query.channel_ = nullptr;
    --active;
}

void wire_core::abandon(wire_query& query) noexcept {
    forget(query);
    ++stats.abandoned;
    update_timers();
}

/// After every call of c-ares that was not made by `start`: first keep the window full, then report.
void wire_core::after_ares() noexcept {
    for (const auto& channel : channels) channel->pump();
    report();
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
    while (wire_query* const query = reporting.front()) {
        forget(*query);
        query->complete(*query);
    }
    is_reporting_ = false;
    update_timers();
}

void wire_core::update_timers() noexcept {
    if (closing) return;
    if (stats.in_flight != 0 && !uv_is_active(reinterpret_cast<uv_handle_t*>(&tick_))) {
        uv_timer_start(&tick_, on_tick, tick_ms_, tick_ms_);
    }
    // An idle engine lets the loop end, also when abandoned queries are still in flight.
    if (active != 0)
        uv_ref(reinterpret_cast<uv_handle_t*>(&tick_));
    else
        uv_unref(reinterpret_cast<uv_handle_t*>(&tick_));
    if (done.empty() || is_reporting_) return;
    if (!uv_is_active(reinterpret_cast<uv_handle_t*>(&kick_))) {
        uv_timer_start(&kick_, on_kick, 0, 0);
    }
}

void wire_core::on_tick(uv_timer_t* timer) {
    auto& core = *static_cast<wire_core*>(timer->data);
    for (const auto& channel : core.channels) {
        if (channel->in_flight != 0) channel->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }
    core.after_ares();
    if (core.stats.in_flight == 0) uv_timer_stop(timer);
}

void wire_core::on_kick(uv_timer_t* timer) { static_cast<wire_core*>(timer->data)->after_ares(); }

void wire_core::close() noexcept {
    if (closing) return;
    closing = true;
    for (const auto& channel : channels) {
        channel->destroy();
        while (wire_query* const query = channel->fifo.pop_front()) {
            --stats.queued;
            finish(*query, wire_status::closed);
        }
    }
    uv_close(reinterpret_cast<uv_handle_t*>(&tick_), on_timer_closed);
    uv_close(reinterpret_cast<uv_handle_t*>(&kick_), on_timer_closed);
    // Inside a completion the loop that called it goes on with these.
    while (wire_query* const query = done.pop_front()) {
        query->state_ = wire_query::state::reporting;
        reporting.push_back(*query);
    }
    report();
}

void wire_core::release() noexcept {
    released_ = true;
    for (const auto& channel : channels) {
        while (wire_query* const query = channel->fifo.front()) forget(*query);
        for (auto& slot : channel->slots) {
            if (slot.query) forget(*slot.query);
        }
    }
    while (wire_query* const query = done.front()) forget(*query);
    while (wire_query* const query = reporting.front()) forget(*query);
    if (handles == 0)
        delete this;
    else
        close();
}

void wire_core::on_timer_closed(uv_handle_t* handle) {
    static_cast<wire_core*>(handle->data)->handle_closed();
}

void wire_core::handle_closed() noexcept {
    if (--handles != 0 || !closing) return;
    if (closed) std::exchange(closed, nullptr)(closed_argument);
    if (released_) delete this;
}

wire_query::~wire_query() { wire_engine::abandon(*this); }

std::optional<dns_errc> wire_error(const wire_query& query) noexcept {
    switch (query.status) {
    case wire_status::timed_out: return dns_errc::timeout;
    case wire_status::bad_answer: return dns_errc::bad_answer;
    case wire_status::failed: return dns_errc::server_failure;
    case wire_status::unreachable:
    case wire_status::closed: return dns_errc::no_servers;
    case wire_status::answered: break;
    }
    switch (query.answer.rcode) {
    case response_code::no_error: break;
    case response_code::name_error: return dns_errc::not_found;
    case response_code::refused: return dns_errc::refused;
    default: return dns_errc::server_failure;
    }
    if (query.answer.records == 0) return dns_errc::no_data;
    return std::nullopt;
}

wire_engine::wire_engine(
    uv_loop_s* loop, const std::vector<address>& servers, const wire_options& options
)
    : core_(new wire_core(loop, servers, options)) {}

wire_engine::~wire_engine() { core_->release(); }

std::size_t wire_engine::servers() const noexcept { return core_->channels.size(); }

const address& wire_engine::server(std::size_t index) const noexcept {
    return core_->channels[index]->server;
}

bool wire_engine::start(wire_query& query, std::size_t server) noexcept {
    return core_->start(query, server);
}

void wire_engine::abandon(wire_query& query) noexcept {
    if (query.active()) query.channel_->core.abandon(query);
}

void wire_engine::close(void (*closed)(void*) noexcept, void* argument) {
    if (core_->closing) return;
    core_->closed = closed;
    core_->closed_argument = argument;
    core_->close();
}

wire_stats wire_engine::stats() const noexcept { return core_->stats; }

}  // namespace green::detail
