#include <green/dns/detail/wire_core.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <net/if.h>
#include <sys/socket.h>

namespace green::detail {

namespace {

constexpr unsigned largest_window = 1000;  // above 1024 c-ares 1.18.1 fails on TCP (writev, EINVAL)
constexpr int edns_payload = 1232;
constexpr int memory_per_answer = 2304;  // what the kernel counts for a datagram of 1232 bytes

/// "1.2.3.4:53", "[::1]:53", and "[fe80::1]:53%eth0" where c-ares knows what that is.
std::string server_text(const address& server) {
    const auto plain = address::from_bytes(server.bytes(), server.port());
    std::string text = plain.to_string();
#if ARES_VERSION >= 0x011700
    char interface[IF_NAMESIZE];
    if (server.scope() != 0 && if_indextoname(server.scope(), interface)) {
        text += '%';
        text += interface;
    }
#endif
    return text;
}

[[noreturn]] void fail(const address& server, int status) {
    throw std::runtime_error(
        "open a DNS channel to " + server.to_string() + ": " + ares_strerror(status)
    );
}

wire_status read_answer(wire_query& query, int status, std::span<const std::byte> data) {
    if (!data.empty()) {
        auto message = parse_message(data);
        if (!message || message->type != query.type) return wire_status::bad_answer;
        query.answer = std::move(*message);
        if (query.keep_packet) query.packet.assign(data.begin(), data.end());
        return wire_status::answered;
    }
    switch (status) {
    case ARES_ETIMEOUT: return wire_status::timed_out;
    case ARES_ECONNREFUSED: return wire_status::unreachable;
#if ARES_VERSION >= 0x011b00
    case ARES_ENOSERVER: return wire_status::unreachable;
#endif
    case ARES_EBADRESP: return wire_status::bad_answer;
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION: return wire_status::closed;
    default: return wire_status::failed;
    }
}

}  // namespace

wire_channel::wire_channel(wire_core& owner, const address& to, const wire_options& options)
    : core(owner),
      server(to.port() == 0 ? to.with_port(53) : to),
      window(std::clamp(options.window, 1u, largest_window)),
      slots(window),
      asked_window_(window),
      asked_buffer_(options.receive_buffer) {
    if (server.family() == address_family::unix_path) fail(server, ARES_EBADSTR);
    for (auto& slot : slots) {
        slot.channel = this;
        slot.next_free = std::exchange(free_slots, &slot);
    }

    // Everything that c-ares would else take from files and from the environment is given.
    char lookups[] = "b";
    char no_file[] = "/dev/null";
    ares_options given{};
    given.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_STAYOPEN | ARES_FLAG_NOALIASES |
        ARES_FLAG_NOSEARCH;
    if (options.edns) given.flags |= ARES_FLAG_EDNS;
    if (options.tcp_only) given.flags |= ARES_FLAG_USEVC;
    given.timeout = static_cast<int>(std::max<std::int64_t>(options.timeout.count(), 1));
    given.tries = 1;
    given.ndots = 1;
    given.lookups = lookups;
    given.ednspsz = edns_payload;
    given.resolvconf_path = no_file;
    given.sock_state_cb = on_socket_state;
    given.sock_state_cb_data = this;
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
        ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
        ARES_OPT_EDNSPSZ | ARES_OPT_RESOLVCONF | ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
    // Unbounded, and keeps a negative answer for longer than its SOA says.
    mask |= ARES_OPT_QUERY_CACHE;
    given.qcache_max_ttl = 0;
#endif
#ifdef ARES_OPT_UDP_MAX_QUERIES
    // A new source port every thousand queries: harder to guess than the 16 bits of the id.
    mask |= ARES_OPT_UDP_MAX_QUERIES;
    given.udp_max_queries = 1000;
#endif
    static const int initialised = ares_library_init(ARES_LIB_INIT_ALL);
    if (initialised != ARES_SUCCESS) fail(server, initialised);
    if (const int status = ares_init_options(&ares, &given, mask); status != ARES_SUCCESS) {
        fail(server, status);
    }
    const auto text = server_text(server);
    if (const int status = ares_set_servers_ports_csv(ares, text.c_str()); status != ARES_SUCCESS) {
        ares_destroy(std::exchange(ares, nullptr));
        fail(server, status);
    }
    ares_set_socket_configure_callback(ares, on_socket_made, this);
}

wire_channel::~wire_channel() { destroy(); }

void wire_channel::destroy() noexcept {
    if (!ares) return;
    const ares_frame frame(core);
    ares_destroy(std::exchange(ares, nullptr));
    assert(in_flight == 0 && sockets.empty());
}

void wire_channel::send(wire_query& query) noexcept {
    assert(free_slots);
    wire_slot& slot = *free_slots;
    free_slots = slot.next_free;
    slot.query = &query;
    query.slot_ = &slot;
    query.state_ = wire_query::state::in_flight;
    ++in_flight;
    ++core.stats.in_flight;
    ++core.stats.sent;
    if (query.sent) query.sent(query);
    const ares_frame frame(core);
    ares_query(ares, query.name.c_str(), 1, static_cast<int>(query.type), on_answer, &slot);
}

void wire_channel::pump() noexcept {
    while (has_room() && !core.closing) {
        wire_query* const query = fifo.pop_front();
        if (!query) return;
        --core.stats.queued;
        send(*query);
    }
}

void wire_channel::process(ares_socket_t readable, ares_socket_t writable) noexcept {
    const ares_frame frame(core);
    ares_process_fd(ares, readable, writable);
}

void wire_channel::on_answer(void* arg, int status, int, unsigned char* data, int size) {
    auto& slot = *static_cast<wire_slot*>(arg);
    auto& channel = *slot.channel;
    wire_core& core = channel.core;
    assert(core.inside_ares);
    wire_query* const query = std::exchange(slot.query, nullptr);
    slot.next_free = std::exchange(channel.free_slots, &slot);
    --channel.in_flight;
    --core.stats.in_flight;
    if (!query) return;

    query->slot_ = nullptr;
    wire_status result = wire_status::failed;
    try {
        const std::size_t bytes = data && size > 0 ? static_cast<std::size_t>(size) : 0;
        result = read_answer(*query, status, {reinterpret_cast<const std::byte*>(data), bytes});
    } catch (...) {  // out of memory; c-ares cannot pass an exception on
    }
    core.finish(*query, result);
}

void wire_channel::on_socket_state(void* arg, ares_socket_t fd, int readable, int writable) {
    auto& channel = *static_cast<wire_channel*>(arg);
    const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    wire_socket* const socket = channel.find(fd);
    try {
        if (events == 0 && socket)
            channel.unwatch(*socket);
        else if (events != 0 && socket)
            channel.poll(*socket, events);
        else if (events != 0)
            channel.watch(fd, events);
    } catch (...) {  // out of memory: as without a handle, see watch
    }
}

wire_socket* wire_channel::find(ares_socket_t fd) noexcept {
    for (wire_socket* const socket : sockets) {
        if (socket->fd == fd) return socket;
    }
    return nullptr;
}

void wire_channel::watch(ares_socket_t fd, int events) {
    sockets.reserve(sockets.size() + 1);
    auto socket = std::make_unique<wire_socket>();
    socket->fd = fd;
    socket->channel = this;
    socket->handle.data = socket.get();
    // Without a handle the queries on this socket end by timeout.
    if (uv_poll_init(core.loop, &socket->handle, static_cast<int>(fd)) != 0) return;
    ++core.handles;
    // Only the tick keeps the loop alive.
    uv_unref(reinterpret_cast<uv_handle_t*>(&socket->handle));
    sockets.push_back(socket.release());
    poll(*sockets.back(), events);
}

void wire_channel::poll(wire_socket& socket, int events) noexcept {
    socket.events = events;
    uv_poll_start(&socket.handle, events, on_poll);
}

/// c-ares closes the descriptor next, and the number may come back at once: uv_poll_stop takes it
/// out of epoll now, and the next descriptor gets a handle of its own.
void wire_channel::unwatch(wire_socket& socket) noexcept {
    std::erase(sockets, &socket);
    uv_poll_stop(&socket.handle);
    uv_close(reinterpret_cast<uv_handle_t*>(&socket.handle), [](uv_handle_t* handle) {
        auto* const closed = static_cast<wire_socket*>(handle->data);
        wire_core& core = closed->channel->core;
        delete closed;
        core.handle_closed();
    });
}

void wire_channel::on_poll(uv_poll_t* handle, int status, int events) {
    auto& socket = *static_cast<wire_socket*>(handle->data);
    auto& channel = *socket.channel;
    const auto fd = socket.fd;
    // On an error c-ares is to find it by itself, whichever way it tries.
    const bool error = status < 0;
    channel.process(
        error || (events & UV_READABLE) ? fd : ARES_SOCKET_BAD,
        error || (events & UV_WRITABLE) ? fd : ARES_SOCKET_BAD
    );
    // libuv has stopped a handle that it reports an error of. c-ares keeps the socket if a send
    // took the error off it in the meantime.
    if (error && channel.find(fd) == &socket) channel.poll(socket, socket.events);
    channel.core.after_ares();
}

int wire_channel::on_socket_made(ares_socket_t fd, int type, void* channel) {
    static_cast<wire_channel*>(channel)->configure(fd, type == SOCK_DGRAM);
    return 0;
}

void wire_channel::configure(ares_socket_t fd, bool udp) noexcept {
#if ARES_VERSION < 0x011700 && defined(SO_BINDTODEVICE)
    // These versions connect to a link-local address without its scope.
    char interface[IF_NAMESIZE];
    if (server.scope() != 0 && if_indextoname(server.scope(), interface)) {
        setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, sizeof interface);
    }
#endif
    if (!udp) return;
    if (asked_buffer_ > 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &asked_buffer_, sizeof asked_buffer_);
    }
    int got = 0;
    socklen_t size = sizeof got;
    if (getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &got, &size) != 0) return;
    const auto fits = static_cast<unsigned>(std::max(got / memory_per_answer, 1));
    window = std::min(asked_window_, fits);
}

}  // namespace green::detail
