#pragma once

#include <green/core/intrusive_list.hpp>
#include <green/core/time.hpp>
#include <green/dns/detail/message.hpp>
#include <green/dns/dns_error.hpp>
#include <green/net/address.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

struct uv_loop_s;

namespace green::detail {

//  wire_engine ──► wire_core (heap; outlives its libuv handles)
//                   ├─ a wire_server per server: its window, its health and
//                   │    fifo: queries that wait for a place ─────────────────────┐
//                   │    wire_channel: a c-ares channel and its sockets           │ each holds
//                   │     └─ slots: queries in flight ────────────────────────────│ wire_query*,
//                   ├─ done: answered, not yet reported ──────────────────────────┘ never owns it
//                   ├─ outbox, inbox: datagrams, many to a system call
//                   ├─ tick: uv_timer_t, runs while anything is in flight
//                   ├─ kick: uv_timer_t, reports what ended inside start()
//                   └─ flush: uv_prepare_t, sends what start() has put into the outbox
//
// A c-ares callback takes the query out of its slot, stores the result and links the query to
// `done`: nothing else. Only when the ares_* call has returned are waiting queries sent and
// completions called. So a completion may start, abandon, close or destroy whatever it likes, and
// c-ares is never entered from its own callback (1.18.1 frees twice when cancelled there, 1.34.7
// and 1.34.8 lose a query that is started there).
//
// Another transport, such as DNS over TLS, takes the place of wire_channel: it is given a query by
// wire_server, which has taken a place in the window for it, and hands the bytes of the answer to
// wire_server::answered. All above that, window, health, retries, cache, stays as it is.

class wire_core;
class wire_channel;
class wire_server;
struct wire_slot;

enum class wire_status : std::uint8_t {
    answered,  ///< `received` was told what
    timed_out,  ///< no answer within `wire_options::timeout`, or until it was given up
    unreachable,  ///< the system or the server's host refused the packet or the connection
    bad_answer,  ///< an answer came that cannot be read
    bad_name,  ///< this c-ares does not send it
    failed,  ///< out of memory
    closed,  ///< the engine was closed first
};

/// One question to one server, asked once; once more where the server needs it without EDNS, or over
/// TCP. It stays at one place in memory until `completed` was called. Its destructor abandons it.
class wire_query : public list_node<wire_query> {
public:
    /// The name outlives the query.
    wire_query(std::string_view query_name, record_type query_type) noexcept
        : name(query_name), type(query_type) {}

    /// It leaves the FIFO, inside start() or not.
    virtual void sent(clock::time_point) noexcept {}
    /// Its answer, read and as bytes. Called inside c-ares, before `completed`: it may only store what
    /// it needs. What it throws ends the query with `failed`.
    virtual void received(dns_message&& answer, std::span<const std::byte> packet) = 0;
    /// Called once per `start`, outside c-ares and outside `start`. From then on the engine does not
    /// know the query any more: it may be started again or destroyed.
    virtual void completed(clock::time_point now) noexcept = 0;

    const std::string_view name;  // as check_name and check_record_name give it
    const record_type type;
    wire_status status = wire_status::failed;

    /// Between `start` and `complete`.
    bool active() const noexcept { return state_ != state::idle; }
    bool queued() const noexcept { return state_ == state::queued; }

protected:
    ~wire_query();

private:
    friend wire_core;
    friend wire_channel;
    friend wire_server;
    friend class wire_engine;
    enum class state : std::uint8_t { idle, queued, in_flight, done, reporting };

    state state_ = state::idle;
    bool over_tcp_ = false;  // the answer over UDP had another case than the question
    bool without_edns_ = false;  // with EDNS the server has not understood it
    wire_server* server_ = nullptr;
    wire_slot* slot_ = nullptr;
};

/// Why a query has no answer. `closed` counts as no_servers, and for `answered` it is empty.
std::optional<dns_errc> error_of(wire_status status) noexcept;

/// Why an answer has no record of the type asked; empty when it has some.
std::optional<dns_errc> error_of(const dns_message& answer) noexcept;

struct wire_options {
    /// For a query that nobody gives up before.
    std::chrono::milliseconds timeout{1000};
    std::chrono::milliseconds tick{50};  // how late that may be noticed

    /// Queries in flight per server at most, 1 to 1000; see wire_window. A UDP socket with the buffer
    /// that Linux gives by default holds 92 answers of 1232 bytes; what overflows is lost. The engine
    /// never has more in flight than the receive buffer it got can hold.
    unsigned window = 100;
    int receive_buffer = 1 << 20;  // bytes asked for; 0 leaves the default
    bool edns = true;  // over UDP, with 1232 bytes; a server that does not know it is asked without
    bool tcp_only = false;
    bool mix_case = true;  // see message_question.hpp

    /// A source port is used for so many queries or so long (RFC 5452, 9.2).
    unsigned port_queries = 1000;
    std::chrono::milliseconds port_age{10'000};
};

struct wire_stats {
    std::size_t queued = 0;
    std::size_t in_flight = 0;  // with the abandoned ones
    std::uint64_t sent = 0;
    std::uint64_t answered = 0;
    std::uint64_t timed_out = 0;
    std::uint64_t abandoned = 0;
    std::uint64_t dropped = 0;  // datagrams that answer no query, or were forged
};

/// c-ares as a wire engine on a libuv loop: sends one question to one server and reports what came
/// back. Retries, deadlines, caching, hosts files and search lists are the caller's.
///
/// Its handles keep the loop alive only while a query is active. Used from the loop's thread only.
class wire_engine {
public:
    /// Throws std::runtime_error if c-ares cannot make a channel for one of the servers.
    wire_engine(
        uv_loop_s* loop, const std::vector<address>& servers, const wire_options& options = {}
    );

    /// Active queries are forgotten without a completion. The libuv handles are closed; the loop has
    /// to run until it has called their close callbacks.
    ~wire_engine();

    wire_engine(const wire_engine&) = delete;
    wire_engine& operator=(const wire_engine&) = delete;

    std::size_t servers() const noexcept;
    const address& server(std::size_t index) const noexcept;

    /// The server to ask next: `preferred` or the first after it that is well and not in `asked`, a set
    /// of bits by index (modulo 64); else one that is sick. The choice is added to `asked`, which is
    /// emptied before when all have been asked.
    std::size_t choose(std::size_t preferred, std::uint64_t& asked) noexcept;

    /// Sends the query or, with the window of that server full, lets it wait in a FIFO without
    /// bound. The query is not active before. False, and nothing done, once the engine is closed.
    bool start(wire_query& query, std::size_t server) noexcept;

    /// Forgets the query: no completion will come. One that waits is taken out of the FIFO; one in
    /// flight runs on without an owner and keeps its place in the window until c-ares gives it up.
    /// Without effect on a query that is not active.
    static void abandon(wire_query& query) noexcept;

    /// Looks whether the answer to a query in flight is there, though libuv has not said so. True when
    /// it is, and when the query has ended otherwise: the completion is about to come.
    static bool has_arrived(wire_query& query) noexcept;

    /// Forgets it as well, but as one that is lost: its place in the window is free, and the server has
    /// failed.
    static void give_up(wire_query& query) noexcept;

    /// Ends every active query with `closed` before it returns (called in a completion: as soon as
    /// that has returned) and closes all handles. `closed` is called from the last close callback.
    /// A second call has no effect.
    void close(void (*closed)(void*) noexcept = nullptr, void* argument = nullptr);

    wire_stats stats() const noexcept;

private:
    wire_core* core_;
};

}  // namespace green::detail
