#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/dns/detail/server_health.hpp>
#include <green/dns/detail/wire.hpp>
#include <green/dns/detail/wire_channel.hpp>
#include <green/dns/detail/wire_window.hpp>

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace green::detail {

class wire_core;

/// One server: what waits for it, how much it is asked at once, what is known about it, and the
/// channels to it.
class wire_server {
public:
    /// Throws std::runtime_error if c-ares cannot have such a server.
    wire_server(wire_core& owner, const address& to, const wire_options& options);
    ~wire_server();

    wire_core& core;
    const address where;
    const wire_options& options;
    intrusive_list<wire_query> fifo;
    wire_window window;
    server_health health;
    std::size_t in_flight = 0;  // places of the window that are taken

    /// Sends it, or lets it wait.
    void start(wire_query& query) noexcept;
    /// Keeps the window full.
    void pump() noexcept;
    bool can_send() const noexcept { return in_flight < window.size() && !fifo.empty(); }

    /// An answer for a query that was in flight, from the channel that the slot is of.
    void answered(const wire_slot& slot, wire_query& query, std::span<const std::byte> message);
    /// c-ares has ended a query without an answer.
    void failed(wire_query& query, int status) noexcept;
    /// No answer has come for so long as it was waited for.
    void lost(wire_slot& slot) noexcept;
    /// It has answered FORMERR to a query with EDNS. Either it does not know that, or somebody has
    /// forged the answer: this one query is asked again without.
    void not_understood(wire_slot& slot) noexcept;

    void tick() noexcept;
    void take_errors() noexcept;
    void await_room() noexcept;
    /// Destroys the channels that are done. Not while c-ares is on the stack.
    void sweep() noexcept;
    /// Nobody is to hear of the active queries.
    void forget_all() noexcept;
    /// Ends everything with `closed`.
    void close() noexcept;

private:
    using transport = wire_channel::transport;

    void send(wire_query& query, clock::time_point now) noexcept;
    transport transport_for(const wire_query& query, clock::time_point now) noexcept;
    wire_channel& channel_for(const wire_query& query, clock::time_point now);
    std::unique_ptr<wire_channel>& channel(transport how) noexcept {
        return channels_[static_cast<std::size_t>(how)];
    }
    void retire(std::unique_ptr<wire_channel>& channel) noexcept;
    void note_failure() noexcept;
    void note_missing_edns() noexcept;
    void again(wire_query& query) noexcept;
    template <class F>
    void for_each_channel(F f);

    server_health edns_;  // of EDNS: fails where a query is not understood, and without it is
    bool mixes_case_;
    std::array<std::unique_ptr<wire_channel>, 3> channels_;  // by transport
    std::vector<std::unique_ptr<wire_channel>> retired_;

    friend class wire_channel;
};

}  // namespace green::detail
