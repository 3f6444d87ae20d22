#include <green/dns/records.hpp>

#include <green/dns/detail/message_reader.hpp>
#include <green/dns/detail/sort_stably.hpp>
#include <green/loop/loop_core.hpp>

#include <algorithm>
#include <span>
#include <utility>

namespace green {
namespace {

// RFC 9460, 14.3.2
constexpr std::uint16_t key_alpn = 1;
constexpr std::uint16_t key_port = 3;
constexpr std::uint16_t key_ipv4hint = 4;
constexpr std::uint16_t key_ipv6hint = 6;

/// Puts records of one priority into weighted order as RFC 2782 describes it: those without weight
/// stand first, so that they have a small chance of being chosen.
void order_by_weight(std::span<srv> records, detail::loop_core& core) {
    while (records.size() > 1) {
        std::uint64_t sum = 0;
        for (const srv& r : records) sum += r.weight;
        std::uint64_t const point = core.draw() % (sum + 1);
        std::uint64_t running = 0;
        auto const chosen = std::find_if(records.begin(), records.end(), [&](const srv& r) {
            return (running += r.weight) >= point;
        });
        std::rotate(records.begin(), chosen, chosen + 1);
        records = records.subspan(1);
    }
}

}  // namespace

std::string txt::joined() const {
    std::string all;
    for (const std::string& s : strings) all += s;
    return all;
}

std::vector<srv> in_weighted_order(std::vector<srv> records) {
    auto& core = detail::loop_core::require("in_weighted_order");
    detail::sort_stably(records, [](const srv& x, const srv& y) {
        return std::pair(x.priority, x.weight != 0) < std::pair(y.priority, y.weight != 0);
    });
    for (auto begin = records.begin(); begin != records.end();) {
        auto const end = std::find_if(begin, records.end(), [&](const srv& r) {
            return r.priority != begin->priority;
        });
        order_by_weight(std::span(begin, end), core);
        begin = end;
    }
    return records;
}

const svc_param* svcb::find(std::uint16_t key) const noexcept {
    auto const at = std::find_if(params.begin(), params.end(), [key](const svc_param& p) {
        return p.key == key;
    });
    return at == params.end() ? nullptr : &*at;
}

std::vector<std::string> svcb::alpn() const {
    std::vector<std::string> protocols;
    svc_param const* const p = find(key_alpn);
    if (!p) return protocols;
    detail::message_reader in(p->value);
    while (in.ok() && in.left() != 0) {
        auto const name = in.bytes(in.u8());
        if (in.ok())
            protocols.emplace_back(reinterpret_cast<const char*>(name.data()), name.size());
    }
    return protocols;
}

std::optional<std::uint16_t> svcb::port() const {
    svc_param const* const p = find(key_port);
    if (!p || p->value.size() != 2) return std::nullopt;
    return detail::message_reader(p->value).u16();
}

std::vector<address> svcb::hints() const {
    std::vector<address> found;
    for (auto const& [key, size] : {std::pair(key_ipv4hint, 4u), std::pair(key_ipv6hint, 16u)}) {
        svc_param const* const p = find(key);
        if (!p) continue;
        detail::message_reader in(p->value);
        while (in.left() >= size) found.push_back(address::from_bytes(in.bytes(size)));
    }
    return found;
}

}  // namespace green
