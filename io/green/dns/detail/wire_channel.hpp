#pragma once

// The functions that c-ares 1.34 deprecates are those that 1.18 has.
#ifndef CARES_NO_DEPRECATED
#define CARES_NO_DEPRECATED
#endif

#include <green/core/intrusive_list.hpp>
#include <green/dns/detail/wire.hpp>
#include <green/dns/detail/wire_socket.hpp>

#include <ares.h>

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include <sys/socket.h>

namespace green::detail {

class wire_core;
class wire_server;

/// A query as c-ares has it. It outlives the wire_query, which may be abandoned or given up.
struct wire_slot : list_node<wire_slot> {
    wire_channel* channel = nullptr;
    wire_query* query = nullptr;  // null when abandoned or given up
    bool holds_place = false;  // in the window
    bool mixed_case = false;
    std::uint16_t id = 0;
    std::uint64_t case_bits = 0;
    std::uint64_t question = 0;  // question_number; 0: not sent over UDP
    std::uint64_t number = 0;  // wire_window::sent
    std::uint64_t sent_at = 0;  // uv_now
    wire_slot* next_of_id = nullptr;
};

/// One c-ares channel to one server, with sockets of its own: a generation. After a thousand queries or
/// some seconds the server opens the next one, for another source port, and this one goes when no query
/// waits for it any more. c-ares only formats, sends, matches and receives; time is kept outside, so
/// that a callback which it loses (1.34.7 and 1.34.8 can) costs nothing but a slot until then.
class wire_channel {
public:
    /// EDNS says how long an answer over UDP may be; over TCP there is nothing to say.
    enum class transport : std::uint8_t { udp_with_edns, udp, tcp };

    /// Throws std::runtime_error.
    wire_channel(wire_server& server, transport how);
    ~wire_channel();
    wire_channel(const wire_channel&) = delete;
    wire_channel& operator=(const wire_channel&) = delete;

    bool edns() const noexcept { return transport_ == transport::udp_with_edns; }
    /// Nobody waits for an answer.
    bool idle() const noexcept { return waiting_.empty(); }
    /// Time for the next generation.
    bool worn_out(std::uint64_t now) const noexcept;

    void send(wire_query& query, clock::time_point now);
    void process(ares_socket_t readable, ares_socket_t writable) noexcept;
    /// Ends what has waited for longer than the engine's timeout.
    void tick(std::uint64_t now) noexcept;
    /// Nobody wants the answer any more, should it come after all.
    void leave_behind(wire_slot& slot) noexcept;
    void forget_all() noexcept;
    /// Reads the datagrams that are there, though libuv has not said so.
    void look() noexcept;
    /// Lets c-ares look at the sockets whose batched sends have failed.
    void take_errors() noexcept;
    /// Waits until its sockets take what they did not take at once.
    void await_room() noexcept;

    // What c-ares opens, sends and receives goes through these (wire_socket.cpp).
    ares_socket_t open(int family, int type, int protocol) noexcept;
    int close(ares_socket_t fd) noexcept;
    ssize_t send(ares_socket_t fd, std::span<const iovec> parts) noexcept;
    ssize_t receive(
        ares_socket_t fd, std::span<std::byte> out, sockaddr* from, socklen_t* from_size
    ) noexcept;

private:
    static void on_answer(void* slot, int status, int timeouts, unsigned char* data, int size);
    static void on_socket_state(void* channel, ares_socket_t fd, int readable, int writable);
    static void on_poll(uv_poll_t* handle, int status, int events);

    wire_slot& take_slot(wire_query& query);
    void free_place(wire_slot& slot) noexcept;
    void ended(wire_slot& slot, int status, std::span<const std::byte> data) noexcept;

    // Which queries are in flight, as the wire has them.
    void identify(wire_slot& slot, std::span<const std::byte> packet) noexcept;
    void forget_id(wire_slot& slot) noexcept;
    wire_slot* expected(std::span<const std::byte> datagram) noexcept;

    void use_own_sockets() noexcept;
    void configure(const wire_socket& socket) noexcept;
    wire_socket* find(ares_socket_t fd) noexcept;
    void poll(wire_socket& socket, int events) noexcept;
    void read(wire_socket& socket) noexcept;
    std::optional<std::span<const std::byte>> next_datagram(wire_socket& socket) noexcept;

    wire_server& server_;
    wire_core& core_;
    const transport transport_;
    const std::uint64_t born_;
    unsigned sent_ = 0;
    ares_channel ares_ = nullptr;
    std::deque<wire_slot> slots_;
    intrusive_list<wire_slot> free_;
    intrusive_list<wire_slot> waiting_;  // the oldest first
    intrusive_list<wire_slot> left_behind_;  // c-ares has them, nobody wants them
    std::array<wire_slot*, 256> by_id_{};
    wire_slot* being_sent_ = nullptr;
    intrusive_list<wire_socket> sockets_;
};

}  // namespace green::detail
