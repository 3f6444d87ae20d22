#include <green/dns/detail/wire.hpp>

#include <green/dns/detail/wire_core.hpp>

namespace green::detail {

wire_query::~wire_query() { wire_engine::abandon(*this); }

std::optional<dns_errc> error_of(wire_status status) noexcept {
    switch (status) {
    case wire_status::timed_out: return dns_errc::timeout;
    case wire_status::bad_answer: return dns_errc::bad_answer;
    case wire_status::bad_name: return dns_errc::bad_name;
    case wire_status::failed: return dns_errc::server_failure;
    case wire_status::unreachable:
    case wire_status::closed: return dns_errc::no_servers;
    case wire_status::answered: break;
    }
    return std::nullopt;
}

std::optional<dns_errc> error_of(const dns_message& answer) noexcept {
    switch (answer.rcode) {
    case response_code::no_error: break;
    case response_code::name_error: return dns_errc::not_found;
    case response_code::refused: return dns_errc::refused;
    default: return dns_errc::server_failure;
    }
    if (answer.records == 0) return dns_errc::no_data;
    return std::nullopt;
}

wire_engine::wire_engine(
    uv_loop_s* loop, const std::vector<address>& servers, const wire_options& options
)
    : core_(new wire_core(loop, servers, options)) {}

wire_engine::~wire_engine() { core_->release(); }

std::size_t wire_engine::servers() const noexcept { return core_->servers.size(); }

const address& wire_engine::server(std::size_t index) const noexcept {
    return core_->servers[index]->where;
}

std::size_t wire_engine::choose(std::size_t preferred, std::uint64_t& asked) noexcept {
    auto const bit = [](std::size_t i) { return std::uint64_t{1} << (i % 64); };
    std::size_t const count = servers();
    if (!(asked & bit(preferred)) && !core_->servers[preferred]->health.sick()) {
        asked |= bit(preferred);
        return preferred;
    }
    auto const find = [&](auto wanted) {
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t const s = (preferred + i) % count;
            if (!(asked & bit(s)) && wanted(core_->servers[s]->health)) return s;
        }
        return count;
    };
    auto const now = clock::now();
    std::size_t chosen = find([now](const server_health& h) { return h.worth_asking(now); });
    if (chosen == count) chosen = find([](const server_health&) { return true; });
    if (chosen == count) {
        asked = 0;
        return choose(preferred, asked);
    }
    asked |= bit(chosen);
    core_->servers[chosen]->health.asked(now);
    return chosen;
}

bool wire_engine::start(wire_query& query, std::size_t server) noexcept {
    return core_->start(query, server);
}

void wire_engine::abandon(wire_query& query) noexcept {
    if (query.active()) query.server_->core.abandon(query);
}

bool wire_engine::has_arrived(wire_query& query) noexcept {
    return query.active() && query.server_->core.has_arrived(query);
}

void wire_engine::give_up(wire_query& query) noexcept {
    if (query.active()) query.server_->core.give_up(query);
}

void wire_engine::close(void (*closed)(void*) noexcept, void* argument) {
    if (core_->closing) return;
    core_->closed = closed;
    core_->closed_argument = argument;
    core_->close();
}

wire_stats wire_engine::stats() const noexcept { return core_->stats; }

}  // namespace green::detail
