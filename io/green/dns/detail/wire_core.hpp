#pragma once

#include <green/dns/detail/datagram_batch.hpp>
#include <green/dns/detail/wire.hpp>
#include <green/dns/detail/wire_server.hpp>

#include <uv.h>

#include <cassert>
#include <memory>
#include <vector>

namespace green::detail {

/// What wire_engine is made of; see the picture in wire.hpp.
class wire_core {
public:
    wire_core(uv_loop_t* loop, const std::vector<address>& servers, const wire_options& options);

    bool start(wire_query& query, std::size_t server) noexcept;
    void abandon(wire_query& query) noexcept;
    void forget(wire_query& query) noexcept;
    bool has_arrived(wire_query& query) noexcept;
    void give_up(wire_query& query) noexcept;
    void close() noexcept;
    void release() noexcept;  // the wire_engine is gone
    void after_ares() noexcept;
    void finish(wire_query& query, wire_status status) noexcept;
    void handle_closed() noexcept;
    void begin_flush() noexcept;

    uv_loop_t* const loop;
    const wire_options options;
    intrusive_list<wire_query> done;
    intrusive_list<wire_query> reporting;
    wire_stats stats;
    std::size_t active = 0;  // queries between start and completion
    bool inside_ares = false;
    bool closing = false;
    std::size_t handles = 0;
    void (*closed)(void*) noexcept = nullptr;
    void* closed_argument = nullptr;
    datagram_outbox outbox;
    datagram_inbox inbox;
    // Last: a server that is destroyed uses what is above.
    std::vector<std::unique_ptr<wire_server>> servers;

private:
    static void on_tick(uv_timer_t* timer);
    static void on_kick(uv_timer_t* timer);
    static void on_flush(uv_prepare_t* prepare);

    template <class Handle>
    void add(Handle& handle) noexcept;
    template <class Handle>
    static void drop(Handle& handle) noexcept;
    void flush() noexcept;
    void report() noexcept;
    void update_handles() noexcept;

    uv_timer_t tick_;
    uv_timer_t kick_;
    uv_prepare_t flush_;
    bool is_reporting_ = false;
    bool released_ = false;
};

/// Marks that c-ares is on the stack.
class ares_frame {
public:
    explicit ares_frame(wire_core& core) noexcept : core_(core) {
        assert(!core.inside_ares && "c-ares entered from one of its callbacks");
        core.inside_ares = true;
    }
    ~ares_frame() { core_.inside_ares = false; }

private:
    wire_core& core_;
};

}  // namespace green::detail
