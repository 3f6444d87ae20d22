#pragma once

// The functions that c-ares 1.34 deprecates are those that 1.18 has.
#ifndef CARES_NO_DEPRECATED
#define CARES_NO_DEPRECATED
#endif

#include <green/dns/detail/wire.hpp>

#include <ares.h>
#include <uv.h>

#include <cassert>
#include <memory>
#include <vector>

namespace green::detail {

struct wire_slot {
    wire_channel* channel = nullptr;
    wire_query* query = nullptr;  // null when abandoned
    wire_slot* next_free = nullptr;
};

/// One descriptor of c-ares that is being polled. Owned by libuv from init to the close callback.
struct wire_socket {
    uv_poll_t handle;
    ares_socket_t fd;
    int events;
    wire_channel* channel;
};

class wire_channel {
public:
    wire_channel(wire_core& owner, const address& to, const wire_options& options);
    ~wire_channel();

    wire_core& core;
    const address server;
    ares_channel ares = nullptr;
    unsigned window;
    unsigned in_flight = 0;
    intrusive_list<wire_query> fifo;
    std::vector<wire_slot> slots;
    wire_slot* free_slots = nullptr;
    std::vector<wire_socket*> sockets;

    bool has_room() const noexcept { return in_flight < window; }
    void send(wire_query& query) noexcept;
    void pump() noexcept;
    void process(ares_socket_t readable, ares_socket_t writable) noexcept;
    void destroy() noexcept;

private:
    static void on_answer(void* slot, int status, int timeouts, unsigned char* data, int size);
    static void on_socket_state(void* channel, ares_socket_t fd, int readable, int writable);
    static int on_socket_made(ares_socket_t fd, int type, void* channel);
    static void on_poll(uv_poll_t* handle, int status, int events);

    wire_socket* find(ares_socket_t fd) noexcept;
    void watch(ares_socket_t fd, int events);
    void unwatch(wire_socket& socket) noexcept;
    void poll(wire_socket& socket, int events) noexcept;
    void configure(ares_socket_t fd, bool udp) noexcept;

    const unsigned asked_window_;
    const int asked_buffer_;
};

class wire_core {
public:
    wire_core(uv_loop_t* loop, const std::vector<address>& servers, const wire_options& options);

    bool start(wire_query& query, std::size_t server) noexcept;
    void abandon(wire_query& query) noexcept;
    void close() noexcept;
    void release() noexcept;  // the wire_engine is gone
    void after_ares() noexcept;
    void finish(wire_query& query, wire_status status) noexcept;
    void handle_closed() noexcept;

    uv_loop_t* const loop;
    intrusive_list<wire_query> done;
    intrusive_list<wire_query> reporting;
    wire_stats stats;
    std::size_t active = 0;  // queries between start and completion
    bool inside_ares = false;
    bool closing = false;
    std::size_t handles = 0;
    void (*closed)(void*) noexcept = nullptr;
    void* closed_argument = nullptr;
    // Last: a channel that is destroyed uses what is above.
    std::vector<std::unique_ptr<wire_channel>> channels;

private:
    static void on_tick(uv_timer_t* timer);
    static void on_kick(uv_timer_t* timer);
    static void on_timer_closed(uv_handle_t* handle);

    void forget(wire_query& query) noexcept;
    void report() noexcept;
    void update_timers() noexcept;

    uv_timer_t tick_;
    uv_timer_t kick_;
    const std::uint64_t tick_ms_;
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
