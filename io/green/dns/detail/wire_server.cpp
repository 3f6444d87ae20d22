#include <green/dns/detail/wire_server.hpp>

#include <green/core/time.hpp>
#include <green/dns/detail/message_question.hpp>
#include <green/dns/detail/wire_core.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace green::detail {

wire_server::wire_server(wire_core& owner, const address& to, const wire_options& how)
    : core(owner),
      where(to.port() == 0 ? to.with_port(53) : to),
      options(how),
      window(how.window),
      mixes_case_(how.mix_case) {
    auto const udp = how.edns ? transport::udp_with_edns : transport::udp;
    auto const first = how.tcp_only ? transport::tcp : udp;
    channel(first) = std::make_unique<wire_channel>(*this, first);
}

wire_server::~wire_server() = default;

/// `f` may retire one: a server falls sick when its queries are lost.
template <class F>
void wire_server::for_each_channel(F f) {
    for (const auto& channel : channels_) {
        if (channel) f(*channel);
    }
    // NOLINTNEXTLINE(modernize-loop-convert): the vector may grow meanwhile
    for (std::size_t i = 0; i < retired_.size(); ++i) f(*retired_[i]);
}

void wire_server::start(wire_query& query) noexcept {
    if (in_flight < window.size() && fifo.empty()) return send(query, clock::now());
    query.state_ = wire_query::state::queued;
    fifo.push_back(query);
    ++core.stats.queued;
}

void wire_server::pump() noexcept {
    if (!can_send()) return;
    auto const now = clock::now();
    while (can_send() && !core.closing) {
        --core.stats.queued;
        send(*fifo.pop_front(), now);
    }
}

void wire_server::send(wire_query& query, clock::time_point now) noexcept {
    try {
        channel_for(query, now).send(query, now);
    } catch (...) {  // no memory for another channel
        core.finish(query, wire_status::failed);
    }
}

wire_channel::transport wire_server::transport_for(
    const wire_query& query, clock::time_point now
) noexcept {
    if (options.tcp_only || query.over_tcp_) return transport::tcp;
    if (!options.edns || query.without_edns_) return transport::udp;
    if (!edns_.worth_asking(now)) return transport::udp;
    edns_.asked(now);
    return transport::udp_with_edns;
}

wire_channel& wire_server::channel_for(const wire_query& query, clock::time_point now) {
    auto const how = transport_for(query, now);
    auto& present = channel(how);
    if (present && present->worn_out(uv_now(core.loop))) retire(present);
    if (!present) present = std::make_unique<wire_channel>(*this, how);
    return *present;
}

/// The queries that are in flight there may still be answered. Out of memory, it stays as it is.
void wire_server::retire(std::unique_ptr<wire_channel>& channel) noexcept {
    if (!channel) return;
    try {
        retired_.emplace_back();
    } catch (const std::bad_alloc&) {
        return;
    }
    retired_.back() = std::move(channel);
}

/// In the FIFO again, before all others: it has waited its turn.
void wire_server::again(wire_query& query) noexcept {
    query.state_ = wire_query::state::queued;
    fifo.push_front(query);
    ++core.stats.queued;
}

void wire_server::answered(
    const wire_slot& slot, wire_query& query, std::span<const std::byte> packet
) {
    window.answered();
    auto message = parse_message(packet);
    if (!message || message->type != query.type) return core.finish(query, wire_status::bad_answer);
    if (slot.mixed_case && !has_case(packet, slot.case_bits)) {
        if (!query.over_tcp_) {
            query.over_tcp_ = true;
            return again(query);
        }
        mixes_case_ = false;  // nobody forges over TCP: the server has a case of its own
    } else if (query.over_tcp_) {
        ++core.stats.dropped;  // and it was not the server that answered over UDP
    }
    if (query.without_edns_ && message->rcode != response_code::format_error) note_missing_edns();
    if (message->rcode == response_code::refused)
        note_failure();
    else
        health.answered();
    query.received(std::move(*message), packet);
    core.finish(query, wire_status::answered);
}

void wire_server::failed(wire_query& query, int status) noexcept {
    // A case of its own and no TCP: else it could not be asked at all.
    if (query.over_tcp_) mixes_case_ = false;
    switch (status) {
    case ARES_ETIMEOUT: note_failure(); return core.finish(query, wire_status::timed_out);
    case ARES_ECONNREFUSED:
#if ARES_VERSION >= 0x011b00
    case ARES_ENOSERVER:
#endif
        note_failure();
        return core.finish(query, wire_status::unreachable);
    case ARES_EBADRESP: return core.finish(query, wire_status::bad_answer);
    case ARES_EBADNAME: return core.finish(query, wire_status::bad_name);
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
        return core.finish(query, core.closing ? wire_status::closed : wire_status::timed_out);
    default: return core.finish(query, wire_status::failed);
    }
}

void wire_server::lost(wire_slot& slot) noexcept {
    window.lost(slot.number);
    slot.channel->leave_behind(slot);
    note_failure();
}

void wire_server::note_failure() noexcept {
    if (!health.failed(clock::now())) return;
    // Sick: should it be the sockets, the next query has new ones.
    for (auto& channel : channels_) retire(channel);
}

/// c-ares does not hear of it. It would ask by itself without EDNS: 1.18 all that the channel asks from
/// then on.
void wire_server::not_understood(wire_slot& slot) noexcept {
    if (!slot.holds_place) return;  // nobody waits for it
    window.answered();
    slot.channel->leave_behind(slot);
    wire_query* const query = std::exchange(slot.query, nullptr);
    if (!query) return;
    query->slot_ = nullptr;
    query->without_edns_ = true;
    again(*query);
}

/// An answer that did not come with EDNS.
void wire_server::note_missing_edns() noexcept {
    if (edns_.failed(clock::now())) retire(channel(transport::udp_with_edns));
}

void wire_server::tick() noexcept {
    auto const now = uv_now(core.loop);
    for_each_channel([&](wire_channel& channel) { channel.tick(now); });
}

void wire_server::take_errors() noexcept {
    for_each_channel([](wire_channel& channel) { channel.take_errors(); });
}

void wire_server::await_room() noexcept {
    for_each_channel([](wire_channel& channel) { channel.await_room(); });
}

void wire_server::sweep() noexcept {
    std::erase_if(retired_, [](const auto& channel) { return channel->idle(); });
}

void wire_server::forget_all() noexcept {
    while (wire_query* const query = fifo.front()) core.forget(*query);
    for_each_channel([](wire_channel& channel) { channel.forget_all(); });
}

void wire_server::close() noexcept {
    for (auto& channel : channels_) channel.reset();
    retired_.clear();
    while (wire_query* const query = fifo.pop_front()) {
        --core.stats.queued;
        core.finish(*query, wire_status::closed);
    }
}

}  // namespace green::detail
