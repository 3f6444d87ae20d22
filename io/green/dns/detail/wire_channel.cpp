#include <green/dns/detail/wire_channel.hpp>

#include <green/dns/detail/message_question.hpp>
#include <green/dns/detail/name.hpp>
#include <green/dns/detail/wire_core.hpp>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include <net/if.h>

namespace green::detail {

namespace {

constexpr int edns_payload = 1232;
constexpr std::size_t longest_text = 4 * longest_name;  // of a name, with all its bytes escaped

// Time is kept outside, so c-ares is to wait for longer than anyone. From 1.32 on it learns from past
// answers how long to wait, 250 ms at least, and this cannot be had otherwise: there it sends again.
constexpr int patience_ms = 60'000;
constexpr int tries_of_one_that_learns = 6;

/// Of the library that runs, which may be newer than the headers.
int ares_number() noexcept {
    int version = 0;
    ares_version(&version);
    return version;
}

// From 1.23 on there is a cache, from 1.31 on unless this option says 0 seconds. It is unbounded, and
// keeps a negative answer for longer than its SOA says.
constexpr int option_query_cache = 1 << 21;
#ifdef ARES_OPT_QUERY_CACHE
static_assert(option_query_cache == ARES_OPT_QUERY_CACHE);
#endif

/// As newer versions of c-ares read them: what they have added behind the options of these headers is 0.
struct padded_options {
    ares_options known{};
    std::array<std::uint64_t, 16> added{};
};

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

}  // namespace

wire_channel::wire_channel(wire_server& server, transport how)
    : server_(server), core_(server.core), transport_(how), born_(uv_now(server.core.loop)) {
    if (server.where.family() == address_family::unix_path) fail(server.where, ARES_EBADSTR);
    // Everything that c-ares would else take from files and from the environment is given.
    char lookups[] = "b";
    char no_file[] = "/dev/null";
    padded_options options;
    ares_options& given = options.known;
    given.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_STAYOPEN | ARES_FLAG_NOALIASES |
        ARES_FLAG_NOSEARCH;
    if (edns()) given.flags |= ARES_FLAG_EDNS;
    if (how == transport::tcp) given.flags |= ARES_FLAG_USEVC;
    given.timeout = patience_ms;
    const int version = ares_number();
    given.tries = version >= 0x012000 ? tries_of_one_that_learns : 1;
    given.ndots = 1;
    given.lookups = lookups;
    given.ednspsz = edns_payload;
    given.resolvconf_path = no_file;
    given.sock_state_cb = on_socket_state;
    given.sock_state_cb_data = this;
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NDOTS |
        ARES_OPT_SERVERS | ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_SORTLIST |
        ARES_OPT_EDNSPSZ | ARES_OPT_RESOLVCONF | ARES_OPT_NOROTATE | ARES_OPT_SOCK_STATE_CB;
    if (version >= 0x011700) mask |= option_query_cache;
    static const int initialised = ares_library_init(ARES_LIB_INIT_ALL);
    if (initialised != ARES_SUCCESS) fail(server.where, initialised);
    if (const int status = ares_init_options(&ares_, &given, mask); status != ARES_SUCCESS) {
        fail(server.where, status);
    }
    const auto text = server_text(server.where);
    if (const int status = ares_set_servers_ports_csv(ares_, text.c_str());
        status != ARES_SUCCESS) {
        ares_destroy(std::exchange(ares_, nullptr));
        fail(server.where, status);
    }
    use_own_sockets();
}

wire_channel::~wire_channel() {
    const ares_frame frame(core_);
    ares_destroy(ares_);
    // Those whose callback c-ares has lost.
    while (wire_slot* const slot = waiting_.front()) ended(*slot, ARES_EDESTRUCTION, {});
    while (left_behind_.pop_front()) {}
    while (free_.pop_front()) {}
    assert(sockets_.empty());
}

bool wire_channel::worn_out(std::uint64_t now) const noexcept {
    if (slots_.size() >= wire_window::largest && free_.empty()) return true;
    if (transport_ == transport::tcp || sent_ == 0) return false;
    auto const age = static_cast<std::uint64_t>(server_.options.port_age.count());
    return sent_ >= server_.options.port_queries || now - born_ >= age;
}

wire_slot& wire_channel::take_slot(wire_query& query) {
    if (free_.empty()) {
        slots_.emplace_back().channel = this;
        free_.push_back(slots_.back());
    }
    wire_slot& slot = *free_.pop_front();
    slot.query = &query;
    slot.holds_place = true;
    slot.question = 0;
    slot.mixed_case = false;
    slot.sent_at = uv_now(core_.loop);
    slot.number = server_.window.sent();
    waiting_.push_back(slot);
    query.slot_ = &slot;
    query.state_ = wire_query::state::in_flight;
    ++server_.in_flight;
    ++core_.stats.in_flight;
    ++core_.stats.sent;
    ++sent_;
    return slot;
}

void wire_channel::send(wire_query& query, clock::time_point now) {
    wire_slot& slot = take_slot(query);
    query.sent(now);
    slot.mixed_case = server_.mixes_case_;
    slot.case_bits = slot.mixed_case ? unforeseeable_bits() : 0;
    char name[longest_text + 1];
    *mix_case(query.name.substr(0, longest_text), slot.case_bits, name) = '\0';
    const ares_frame frame(core_);
    being_sent_ = &slot;
    ares_query(ares_, name, 1, static_cast<int>(query.type), on_answer, &slot);
    being_sent_ = nullptr;
}

void wire_channel::process(ares_socket_t readable, ares_socket_t writable) noexcept {
    const ares_frame frame(core_);
    ares_process_fd(ares_, readable, writable);
}

void wire_channel::tick(std::uint64_t now) noexcept {
    auto const timeout = static_cast<std::uint64_t>(server_.options.timeout.count());
    if (wire_slot* const oldest = waiting_.front(); oldest && now - oldest->sent_at >= timeout) {
        look();
    }
    while (wire_slot* const slot = waiting_.front()) {
        if (now - slot->sent_at < timeout) break;
        wire_query* const query = std::exchange(slot->query, nullptr);
        server_.lost(*slot);
        if (!query) continue;
        query->slot_ = nullptr;
        core_.finish(*query, wire_status::timed_out);
    }
    // For what c-ares itself has to do in time.
    if (!waiting_.empty()) process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void wire_channel::forget_all() noexcept {
    for (wire_slot& slot : slots_) {
        if (slot.query) core_.forget(*slot.query);
    }
}

void wire_channel::free_place(wire_slot& slot) noexcept {
    if (!std::exchange(slot.holds_place, false)) return;
    --server_.in_flight;
    --core_.stats.in_flight;
}

void wire_channel::leave_behind(wire_slot& slot) noexcept {
    free_place(slot);
    waiting_.remove(slot);
    left_behind_.push_back(slot);
}

void wire_channel::on_answer(void* arg, int status, int, unsigned char* data, int size) {
    auto& slot = *static_cast<wire_slot*>(arg);
    assert(slot.channel->core_.inside_ares);
    const std::size_t bytes = data && size > 0 ? static_cast<std::size_t>(size) : 0;
    slot.channel->ended(slot, status, {reinterpret_cast<const std::byte*>(data), bytes});
}

/// c-ares does not know the query any more.
void wire_channel::ended(wire_slot& slot, int status, std::span<const std::byte> data) noexcept {
    (slot.holds_place ? waiting_ : left_behind_).remove(slot);
    free_place(slot);
    forget_id(slot);
    free_.push_front(slot);
    wire_query* const query = std::exchange(slot.query, nullptr);
    if (!query) return;
    query->slot_ = nullptr;
    try {
        if (data.empty())
            server_.failed(*query, status);
        else
            server_.answered(slot, *query, data);
    } catch (...) {  // out of memory; c-ares cannot pass an exception on
        core_.finish(*query, wire_status::failed);
    }
}

void wire_channel::identify(wire_slot& slot, std::span<const std::byte> packet) noexcept {
    slot.question = question_number(packet);
    slot.id = read_header(packet).id;
    slot.next_of_id = std::exchange(by_id_[slot.id % by_id_.size()], &slot);
}

void wire_channel::forget_id(wire_slot& slot) noexcept {
    if (slot.question == 0) return;
    wire_slot** link = &by_id_[slot.id % by_id_.size()];
    while (*link != &slot) link = &(*link)->next_of_id;
    *link = slot.next_of_id;
}

/// The query that a datagram answers; null: none.
wire_slot* wire_channel::expected(std::span<const std::byte> datagram) noexcept {
    const message_header header = read_header(datagram);
    if (!header.is_answer) return nullptr;
    const auto question = question_number(datagram);
    // Servers that know no EDNS do not even repeat the question.
    const bool any_question = edns() && header.format_error && question == 0;
    wire_slot* slot = by_id_[header.id % by_id_.size()];
    while (slot && (slot->id != header.id || (slot->question != question && !any_question))) {
        slot = slot->next_of_id;
    }
    return slot;
}

}  // namespace green::detail
